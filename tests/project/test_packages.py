"""What is released: wheel and source distribution have what they must and nothing else, and are the same every time."""

import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.metadata import Metadata

ROOT = Path(__file__).parents[2]
PACKAGES = ("nonebot_plugin_feishu_ws", "feishu_sandbox", "feishu_ws_shell")


def build(source: Path, target: str, folder: Path) -> Path:
    """The file that was made."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, check=True, cwd=source, capture_output=True)
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


def sources() -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_has_the_packages_and_nothing_else(wheel: Path) -> None:
    """Styles and scripts, migrations, notices and the mark of types are among the files, wherever they are."""
    about, names = set[str](), set[str]()
    for name in zipfile.ZipFile(wheel).namelist():
        (about if ".dist-info/" in name else names).add(name)
    assert names == sources()
    assert {name.partition(".dist-info/")[2] for name in about} == {
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"),
    }


def test_the_source_distribution(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    """It has what the wheel is made of, and from it the very same wheel is made."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    names = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    pages = {path.name for path in ROOT.glob("*.md")}
    assert names == sources() | pages | {"LICENSE", "PKG-INFO", "pyproject.toml", ".gitignore"}
    assert build(unpacked, "wheel", tmp_path / "again").read_bytes() == wheel.read_bytes()


def test_the_metadata(wheel: Path) -> None:
    """As an index checks it, and with what one sees there."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("METADATA"))
        text = archive.read(name).decode()
    about = Metadata.from_email(text, validate=True)
    assert about.description_content_type == "text/markdown"
    assert about.description == (ROOT / "README.md").read_text(encoding="utf-8")
    assert about.license_expression == "MIT"
    assert {"Homepage", "Documentation", "Changelog"} <= {*(about.project_urls or {})}
    supported = [
        line.split()[-1] for line in about.classifiers or () if line.startswith("Programming Language")
    ]
    assert supported == ["3", "3.11", "3.12", "3.13"]
    assert str(about.requires_python) == f">={supported[1]}"
    assert not [
        each
        for each in HeaderParser().parsestr(text).get_all("Requires-Dist", [])
        if "==" in each.split(";")[0]
    ]
