"""Every command that is shown is run by a test, or `commands.toml` says why not."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = tomllib.loads(Path(__file__).with_name("commands.toml").read_text(encoding="utf-8"))
PAGES = [
    *(name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")),
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]
_SETTING = re.compile(r"(export )?[A-Z_]+=('[^']*'|\S*|\{.*\})")
_PROGRAMS = (
    r"sh scripts/|\.venv/bin/|[A-Z_]+=\S+ \.venv/bin/|pip install |mkdocs |docker |python -m (?!feishu_sandbox)"
    r"|nb (?:plugin|create|run)"
)
_INLINE = re.compile(rf"`((?:{_PROGRAMS})[^`]*)`")


def commands(read, name: str) -> list[str]:
    """Of the blocks, one a line, without settings and comments; of the prose, those of well-known programs."""
    page = read(name)
    found = _INLINE.findall(page.prose.replace("\n", " "))
    for block in page.blocks:
        if block.language == "sh":
            found += _lines(block.text)
    return [" ".join(command.split()) for command in found]


def _lines(text: str) -> list[str]:
    lines: list[str] = []
    command = ""
    for line in text.replace("\\\n", " ").splitlines():
        command = f"{command}\n{line}" if command else line
        try:
            shlex.split(command, comments=True)
        except ValueError:  # a quotation goes on
            continue
        if command.strip() and not command.startswith("#") and not _SETTING.fullmatch(command):
            lines.append(command)
        command = ""
    assert not command, command
    return lines


@pytest.mark.parametrize("name", PAGES)
def test_every_command_is_listed(read, name: str) -> None:
    if name in TABLE["pages"]:
        return
    known = {*TABLE["run"], *TABLE["not_run"]}
    assert [command for command in commands(read, name) if command not in known] == []


def test_nothing_else_is_listed(read) -> None:
    shown = {command for name in PAGES for command in commands(read, name)}
    assert {*TABLE["run"], *TABLE["not_run"]} <= shown
    assert not TABLE["run"].keys() & TABLE["not_run"].keys()
    assert TABLE["pages"].keys() <= {*PAGES}
    assert all(TABLE["not_run"].values())


@pytest.mark.parametrize("runner", sorted({*TABLE["run"].values(), *TABLE["pages"].values()}))
def test_what_runs_them_is_there(runner: str) -> None:
    """A test, or a script that is run with the tests, directly or by another."""
    text = (ROOT / runner).read_text(encoding="utf-8")
    if runner.startswith("tests/"):
        assert "def test_" in text
    elif runner != ".ci/run":
        assert runner in (ROOT / ".ci/run").read_text(encoding="utf-8")
