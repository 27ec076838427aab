"""What the console ships: vendored files as they were, templates without inline code, words in both languages."""

import hashlib
import re
from importlib.resources import files

import pytest

from nonebot_plugin_feishu_ws.connectors import SETTABLE
from nonebot_plugin_feishu_ws.texts.console import activity, connectors, fields, general

PAGES = files("nonebot_plugin_feishu_ws.console.pages")
VENDORED = {
    "htmx.min.js": "e209dda5c8235479f3166defc7750e1dbcd5a5c1808b7792fc2e6733768fb447",
    "sse.js": "83eca6fa0611fe2b0bf1700b424b88b5eced38ef448ef9760a2ea08fbc875611",
    "idiomorph-ext.min.js": "1589f425608653a841fa06ef2bb103a59e19f1e6d27064cff894d365efd6d948",
}
TEMPLATES = {one.name: one.read_text("utf-8") for one in (PAGES / "templates").iterdir()}
TABLES = [general.GENERAL, general.SIGN_IN, general.TROUBLE, connectors.CONNECTORS, activity.ACTIVITY]


@pytest.mark.parametrize("name", VENDORED)
def test_vendored_files_are_as_their_authors_made_them(name: str) -> None:
    """Their versions are in LICENCES.txt."""
    assert hashlib.sha256((PAGES / "static" / name).read_bytes()).hexdigest() == VENDORED[name]
    assert name in (PAGES / "static" / "LICENCES.txt").read_text("utf-8")


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_inline_code_or_style(name: str) -> None:
    """The content security policy would not run it; nothing is to rely on it."""
    text = TEMPLATES[name]
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|hx-on|\|\s*safe\b|autoescape", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


def test_every_word_is_there_in_both_languages() -> None:
    seen: set[str] = set()
    for table in TABLES:
        assert not seen & table.keys(), "a word in two tables"
        seen |= table.keys()
        assert all(zh.strip() and en.strip() for zh, en in table.values())
    used = {name for text in TEMPLATES.values() for name in re.findall(r"""\bw\(["'](\w+)["']\)""", text)}
    assert used <= seen
    assert fields.LABELS.keys() == fields.EXPLAINED.keys() == SETTABLE
