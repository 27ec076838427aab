"""The documentation as a site: it builds without a warning, in both languages, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nonebot_plugin_feishu_ws as plugin

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was built."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    return folder


def html(site: Path, page: Path) -> str:
    folder = page.parent if page.stem == "index" else page.with_suffix("")
    return (site / folder / "index.html").read_text(encoding="utf-8")


def test_every_page(site: Path) -> None:
    for page in PAGES:
        text = html(site, page)
        chinese = page.parts[0] == "zh"
        assert f'<html lang="{"zh" if chinese else "en"}"' in text, page
        assert "```" not in text, f"{page}: a block that is none"
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"?(\S+)|<link[^>]*stylesheet[^>]*", text)
        assert not [source for source in loaded if source.startswith(("http", "//"))], page
        others = [other for other in PAGES if (other.parts[0] == "zh") is chinese and other.stem != "index"]
        navigation = text[text.index("md-nav--primary") : text.index("md-content")]
        assert navigation.count('class="md-nav__item"') >= len(others), page


def test_the_reference_has_every_public_name(site: Path) -> None:
    reference = html(site, Path("api.md"))
    listed = set(re.findall(r'<h3 id="[\w.]+\.(\w+)"', reference))
    assert listed >= {*plugin.__all__} - {"butler", "cards"}
    assert {"tool", "use", "Brain", "Turn"} <= listed
    assert ":::" not in reference
    assert listed == set(re.findall(r'<h3 id="[\w.]+\.(\w+)"', html(site, Path("zh/api.md"))))
