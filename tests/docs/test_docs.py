"""The documentation says what is so, the same in both languages, and its links lead somewhere."""

import ast
import json
import re
from pathlib import Path

import nonebot.plugin.manager
import pytest
from pydantic_core import PydanticUndefined

from feishu_sandbox import faults
from nonebot_plugin_feishu_ws.commands import shell
from nonebot_plugin_feishu_ws.commands.grammar import VERBS
from nonebot_plugin_feishu_ws.commands.shell_verbs import SHELL_VERBS
from nonebot_plugin_feishu_ws.config import Settings
from nonebot_plugin_feishu_ws.connectors import CheckName, ConnectorSpec
from nonebot_plugin_feishu_ws.filters import addressing_chain, admission_chain
from nonebot_plugin_feishu_ws.gateway import Reason
from nonebot_plugin_feishu_ws.texts.shell import ShellTexts

ROOT = Path(__file__).parents[2]
ENGLISH = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
PAIRS = [(name, name.replace("README", "README.zh").replace("docs/", "docs/zh/")) for name in ENGLISH]
ALONE = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "THIRD_PARTY.md", "examples/README.md"]
PAGES = [*(name for pair in PAIRS for name in pair), *ALONE]


def column(table: list[list[str]], number: int = 0) -> list[str]:
    return [row[number].strip("`") for row in table]


def test_every_page_is_there_in_both_languages() -> None:
    chinese = {f"docs/zh/{path.name}" for path in (ROOT / "docs/zh").glob("*.md")} | {"README.zh.md"}
    assert {pair[1] for pair in PAIRS} == chinese


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_say_the_same(read, english: str, chinese: str) -> None:
    one, other = read(english), read(chinese)
    assert [level for level, _ in one.headings] == [level for level, _ in other.headings]
    assert [len(table) for table in one.tables] == [len(table) for table in other.tables]
    for name in (r"^ *- ", r"^ *\d\. "):
        assert len(re.findall(name, one.prose, re.MULTILINE)) == len(
            re.findall(name, other.prose, re.MULTILINE)
        ), name
    for mine, theirs in zip(one.blocks, other.blocks, strict=True):
        assert mine.language == theirs.language
        if mine.language == "python":
            assert shape(mine.text) == shape(theirs.text)
        elif "─►" not in mine.text:
            assert mine.text == theirs.text


def shape(source: str) -> str:
    """Code without its words."""
    tree = compile(source, "example", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        elif isinstance(node, ast.JoinedStr):
            node.values = [value for value in node.values if isinstance(value, ast.FormattedValue)]
    return ast.dump(tree)


@pytest.mark.parametrize("name", PAGES)
def test_python_compiles(read, name: str) -> None:
    for block in read(name).blocks:
        if block.language == "python":
            compile(block.text, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(read, name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", re.sub(r"`[^`\n]*\]\([^`\n]*`", "", read(name).prose)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if anchor:
            headings = read(str(file.resolve().relative_to(ROOT))).headings
            assert anchor in {slug(text) for _, text in headings}, target


def slug(heading: str) -> str:
    """The anchor a heading gets on the usual sites."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", ["docs/settings.md", "docs/zh/settings.md"])
def test_settings(read, name: str) -> None:
    settings, fields = read(name).tables
    prefix = "FEISHU_WS__"
    assert column(settings) == [prefix + field.upper() for field in Settings.model_fields]
    mentioned = set(re.findall(rf"{prefix}([A-Z_]+)", (ROOT / name).read_text(encoding="utf-8")))
    assert mentioned - {"URI"} == {
        field.upper() for field in Settings.model_fields
    }  # URI: the misspelled one
    assert sorted(column(fields)) == sorted(ConnectorSpec.model_fields)
    for model, table in ((Settings, settings), (ConnectorSpec, fields)):
        for row in table:
            field = model.model_fields[row[0].strip("`").removeprefix(prefix).lower()]
            if field.default_factory is not None:
                assert row[1] == "`{}`", row
            elif field.default is PydanticUndefined:
                assert row[1] in ("required", "必填"), row
            else:
                assert row[1] == f"`{json.dumps(field.default)}`", row


@pytest.mark.parametrize("name", PAGES)
def test_no_other_settings_are_named(read, name: str) -> None:
    named = set(re.findall(r"FEISHU_WS__([A-Z_]+)", (ROOT / name).read_text(encoding="utf-8")))
    assert named - {"URI"} <= {field.upper() for field in Settings.model_fields}


@pytest.mark.parametrize("name", ["docs/filters.md", "docs/zh/filters.md"])
def test_reasons(read, name: str) -> None:
    admission, addressing = read(name).tables
    assert tuple(column(admission)) == admission_chain().reasons
    assert tuple(column(addressing)) == addressing_chain().reasons


@pytest.mark.parametrize("name", ["docs/troubleshooting.md", "docs/zh/troubleshooting.md"])
def test_why_a_connection_is_down(read, name: str) -> None:
    blocked, reconnecting, *_ = read(name).tables
    assert set(column(blocked)) == {reason for reason in Reason if reason.blocks}
    named = {one for cell in column(reconnecting) for one in re.findall(r"\w+", cell)}
    assert named == {reason for reason in Reason if not reason.blocks}


@pytest.mark.parametrize("name", ["docs/sandbox.md", "docs/zh/sandbox.md"])
def test_faults(read, name: str) -> None:
    (table,) = read(name).tables
    assert column(table) == list(faults.KINDS)
    assert column(table, 1) == [model.__name__ for model in faults.KINDS.values()]
    for kind, _, what in table:
        fields = faults.KINDS[kind.strip("`")].model_fields
        known = {
            *fields,
            *re.findall(r"'(\w+)'", " ".join(str(field.annotation) for field in fields.values())),
        }
        assert set(re.findall(r"`(\w+)`", what)) <= known


@pytest.mark.parametrize("name", ["docs/commands.md", "docs/zh/commands.md"])
def test_commands(read, name: str) -> None:
    verbs, checks, shell_verbs, options, codes = read(name).tables
    assert column(verbs) == [f"{verb.name} {verb.usage}".rstrip() for verb in VERBS.values()]
    assert column(checks) == list(CheckName)
    texts = ShellTexts("en_US")
    assert column(shell_verbs) == [texts.verb("", verb).partition(" — ")[0].strip() for verb in SHELL_VERBS]
    assert column(options) == [line.partition(" — ")[0] for line in texts.options().splitlines()]
    assert [int(code) for code in column(codes)] == [
        shell.DONE,
        shell.FAILED,
        shell.MISUSED,
        shell.INTERRUPTED,
    ]


@pytest.mark.parametrize("name", PAGES)
def test_no_other_verbs_are_named(read, name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    in_chat = set(re.findall(r"(?<![\w/])/(?:feishu|飞书) ([a-z-]+)", text))
    in_shell = set(re.findall(r"(?<![\w/-])feishu-ws ([a-z-]+)", text))
    assert in_chat <= {*VERBS}
    assert in_shell <= {*VERBS, *SHELL_VERBS}


@pytest.mark.parametrize("name", ["docs/architecture.md", "docs/zh/architecture.md"])
def test_places_exist(read, name: str) -> None:
    places = re.findall(r"`([\w./]+(?:/|\.py))`", read(name).prose)
    homes = (
        ROOT,
        ROOT / "nonebot_plugin_feishu_ws",
        ROOT / "nonebot_plugin_feishu_ws/filters",
        ROOT / "nonebot_plugin_feishu_ws/connectors",
        ROOT / "nonebot_plugin_feishu_ws/butler",
        ROOT / "nonebot_plugin_feishu_ws/runtime",
        ROOT / "feishu_sandbox",
    )
    assert len(places) > 20
    for place in places:
        assert place == "__init__.py" or any((home / place).exists() for home in homes), place


@pytest.mark.parametrize("name", PAGES)
def test_prose_is_readable_in_an_editor(read, name: str) -> None:
    for line in read(name).prose.splitlines():
        assert line.startswith("|") or len(line) <= 125, line


@pytest.mark.parametrize("name", ["docs/troubleshooting.md", "docs/zh/troubleshooting.md"])
def test_messages_are_those_of_the_code(read, name: str) -> None:
    """What is quoted as a message can be found in a log."""
    files = [*(ROOT / "nonebot_plugin_feishu_ws").rglob("*.py"), Path(nonebot.plugin.manager.__file__)]
    source = "".join(re.sub(r'"\s*\n\s*f?"', "", file.read_text(encoding="utf-8")) for file in files)
    quoted = [quote for quote in re.findall(r"`([^`\n]+)`", read(name).prose) if len(quote.split()) > 2]
    messages = [quote for quote in quoted if not quote.startswith(("pip ", '"', "/feishu ", "feishu-ws "))]
    assert len(messages) > 8
    for message in messages:
        for piece in message.split("…"):
            assert piece.strip() in source, piece
