"""What MkDocs is told beyond mkdocs.yml: the navigation, the language of a page, links to files that are no pages."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

LANGUAGES = {"zh/": "zh"}
"""Folders, and the theme's name for what is written there; everything else is English."""
_LISTED = re.compile(r"^- \[(.+?)\]\((\w[\w./-]*\.md)\)", re.MULTILINE)
_LINK = re.compile(r"\]\(((?:\.\./)+[^)#\s]+)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation is what the two indexes list: a paragraph that ends in a colon, then its pages."""
    docs = Path(config.docs_dir)
    config.nav = [
        {"English": _sections(docs, "")},
        {"中文": _sections(docs, "zh/")},
    ]
    return config


def _sections(docs: Path, folder: str) -> list[Any]:
    sections: list[Any] = [f"{folder}index.md"]
    for part in re.split(
        r"^(.+)[:：]\n\n(?=- )", (docs / folder / "index.md").read_text("utf-8"), flags=re.MULTILINE
    )[1:]:
        if listed := _LISTED.findall(part):
            sections[-1] = {sections[-1]: [{title: folder + page} for title, page in listed]}
        else:
            sections.append(part)
    return sections


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Links out of docs/ lead to the repository; names that are documented twice are so in English."""

    def led(match: re.Match[str]) -> str:
        parts: list[str] = list(PurePosixPath("docs", page.file.src_uri).parent.parts)
        for part in PurePosixPath(match[1]).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        if parts[0] == "docs":
            return match[0]
        return f"]({config.extra['repository']}/blob/HEAD/{'/'.join(parts)}"

    if page.file.src_uri.startswith(tuple(LANGUAGES)):  # links to a name lead to the English page
        markdown = re.sub(
            r"^::: .+$", r"\g<0>\n    options: {skip_local_inventory: true}", markdown, flags=re.MULTILINE
        )
    return _LINK.sub(led, markdown)


def on_page_context(
    context: dict[str, Any], page: Page, config: MkDocsConfig, nav: Navigation
) -> dict[str, Any]:
    """The theme speaks the language of the page, and shows the pages of that language."""
    folder = next((folder for folder in LANGUAGES if page.file.src_uri.startswith(folder)), "")
    config.theme["language"] = LANGUAGES.get(folder, "en")
    top = nav.items[["", *LANGUAGES].index(folder)]
    assert isinstance(top, Section)
    shown = Navigation(top.children, nav.pages)
    shown.homepage = next(page for page in nav.pages if page.file.src_uri == f"{folder}index.md")
    return {**context, "nav": shown}
