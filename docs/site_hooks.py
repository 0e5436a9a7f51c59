"""What the site does differently from the plain Markdown files; mkdocs calls these functions (`hooks` in mkdocs.yml).

The files stay readable on a code host, so they link to their other language and to files outside of docs/. On the site
the language switch does the first, and the second are no pages: such a link becomes its text. Each language gets a
search index of its own, since a reader looks for pages in the language that he reads.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.plugins.site_hooks")
ROOT = Path(__file__).resolve().parents[1]
OTHER_LANGUAGE = re.compile(r"(?: · )?\[(?:English|中文|README)\]\(\.\./(?:en/|zh/|\.\./README)[\w.-]+\)")
SHORT_OF_THE_END = re.compile(r"(for\(let o=s\+1;o)<(t\.length;o\+\+\)t\.slice\(s,o\)in)")
HEAD = 4
"""Lines in which the link to the other language stands: the title, a blank, the links."""
OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./\.\./([^)\s]+)\)")
CODE = re.compile(r"(^```.*?^```$)", re.M | re.S)
NO_MAP = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>\n'
CHINESE = "\u3001-\u303f\u4e00-\u9fff\uff01-\uff65"
CHINESE_BREAK = re.compile(rf"^((?![#|:<])[^\n]*[{CHINESE}]\)?)\n[ ]*(?=\[?[{CHINESE}])", re.M)
SEARCH_BASE = re.compile(r'("base":\s*")[^"]*(")')


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page without links that lead out of the site; on the page of changes, the changes themselves."""
    lines = markdown.split("\n")
    markdown = "\n".join([OTHER_LANGUAGE.sub("", line) for line in lines[:HEAD]] + lines[HEAD:])
    markdown = "".join(
        part if number % 2 else _prose(part) for number, part in enumerate(CODE.split(markdown)))
    if page.file.src_uri.endswith("/changelog.md"):
        changes = (ROOT / "CHANGELOG.md").read_text("utf-8").partition("\n")[2]
        markdown = f"{markdown}\n{changes}"
    return markdown


def _prose(markdown: str) -> str:
    """Links out of the site as text, and no line break between two Chinese characters: it would show as a blank."""
    return CHINESE_BREAK.sub(r"\1", OUTSIDE.sub(_as_text, markdown))


def _as_text(link: re.Match[str]) -> str:
    text, path = link.groups()
    return text if path in text or path.startswith("README") else f"{text} (`{path}`)"


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """What a screen reader needs; Chinese pages look for their search index in the Chinese part."""
    chinese = page.url.startswith("zh/")
    output = output.replace('role="dialog"', f'role="dialog" aria-label="{"搜索" if chinese else "Search"}"', 1)
    if not chinese:
        return output
    base = "/".join([".."] * (page.url.count("/") - 1)) or "."
    return SEARCH_BASE.sub(rf"\g<1>{base}\g<2>", output, count=1)


@event_priority(-200)  # after the plugin that builds one language after the other
def on_post_build(config: MkDocsConfig) -> None:
    """One search index a language, and a map of the site where the Chinese pages look for it too."""
    site = Path(config.site_dir)
    _split_search(site)
    _mend_search(site)
    if not config.site_url:  # addresses are not known, so that a map could name none
        (site / "sitemap.xml").write_text(NO_MAP, "utf-8")
        (site / "sitemap.xml.gz").unlink(missing_ok=True)
    if (site / "zh").is_dir():
        shutil.copyfile(site / "sitemap.xml", site / "zh/sitemap.xml")


def _mend_search(site: Path) -> None:
    """Let a Chinese query count to its last word.

    The theme cuts a query into the words of the index, but looks at no piece that reaches the end, so that of
    "标签顺序" only "标签" is looked for.
    """
    found = 0
    for path in (site / "assets/javascripts/workers").glob("search.*.js"):
        text = path.read_text("utf-8")
        mended, n = SHORT_OF_THE_END.subn(r"\g<1><=\g<2>", text)
        found += n or "<=t.length;o++)t.slice(s,o)in" in text
        path.write_text(mended, "utf-8")
    if not found:
        log.warning("the search of the theme has changed: see whether Chinese queries still need _mend_search")


def _split_search(site: Path) -> None:
    index: dict[str, Any] = json.loads((site / "search/search_index.json").read_text("utf-8"))
    entries: dict[str, list[dict[str, Any]]] = {"": [], "zh/": []}
    for entry in index["docs"]:
        prefix = "zh/" if entry["location"].startswith("zh/") else ""
        entries[prefix].append(entry | {"location": entry["location"].removeprefix(prefix)})
    for prefix, found in entries.items():
        if found:
            folder = site / prefix / "search"
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(index | {"docs": found}, ensure_ascii=False, separators=(",", ":"))
            (folder / "search_index.json").write_text(text, "utf-8")
