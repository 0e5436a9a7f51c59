"""What the site does differently from the plain Markdown files: mkdocs calls these functions, see `hooks` in mkdocs.yml.

The files stay readable on a code host, so they link to one another's language and to files outside of docs/. On the site
the language switch does the first, and the second is no page: such a link becomes its text. Each language gets a search
index of its own, since a reader looks for pages in the language that he reads.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
LANGUAGE_LINE = re.compile(r"^\[[^\]\n]+\]\(\.\./(?:en|zh)/[\w.-]+\)\n+", re.M)
OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./\.\./([^)\s]+)\)")
CODE = re.compile(r"^(?:```.*?^```$|~~~.*?^~~~$)", re.M | re.S)
CHANGES = "changelog.md"
ZH_PAGE = re.compile(r'("base":\s*")([^"]*)(")')


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page without its link to the other language, links to files outside as text; the changes, where they belong."""
    markdown = LANGUAGE_LINE.sub("", markdown, count=1)
    markdown = _outside_code(markdown)
    if page.file.src_uri.endswith(CHANGES):
        changes = (ROOT / "CHANGELOG.md").read_text("utf-8").partition("\n")[2]
        markdown = f"{markdown}\n{changes}"
    return markdown


def _outside_code(markdown: str) -> str:
    out, last = [], 0
    for block in CODE.finditer(markdown):
        out += [OUTSIDE.sub(_as_text, markdown[last : block.start()]), block[0]]
        last = block.end()
    return "".join([*out, OUTSIDE.sub(_as_text, markdown[last:])])


def _as_text(link: re.Match[str]) -> str:
    text, path = link.groups()
    return text if path in text or path.startswith("README") else f"{text} (`{path}`)"


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Chinese pages look for their search index in the Chinese part of the site."""
    if not page.url.startswith("zh/"):
        return output
    depth = page.url.count("/") - 1
    base = "/".join([".."] * depth) or "."
    return ZH_PAGE.sub(rf"\g<1>{base}\g<3>", output, count=1)


@event_priority(-200)
def on_post_build(config: MkDocsConfig) -> None:
    """After all languages are built: one search index becomes one a language."""
    whole = Path(config.site_dir) / "search" / "search_index.json"
    index: dict[str, Any] = json.loads(whole.read_text("utf-8"))
    chinese = [e | {"location": e["location"].removeprefix("zh/")} for e in index["docs"]
               if e["location"].startswith("zh/")]
    english = [e for e in index["docs"] if not e["location"].startswith("zh/")]
    for folder, entries, language in ((whole.parent, english, "en"), (Path(config.site_dir) / "zh" / "search", chinese, "zh")):
        if entries:
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(index | {"docs": entries, "config": index["config"]}, ensure_ascii=False)
            (folder / "search_index.json").write_text(text, "utf-8")
