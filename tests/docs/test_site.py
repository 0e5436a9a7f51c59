"""The documentation site: it builds without a warning, loads nothing from elsewhere, and can be searched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from browser import Browser, Page
from page_driver import findings

ROOT = Path(__file__).parents[2]
pytest.importorskip("material", reason="needs the extra docs")
LOADED = re.compile(r"""<(?:link|script|img|iframe|source)\b[^>]*?\b(?:src|href)=["']?(?P<to>[^"' >]+)""")
CANONICAL = re.compile(r'rel="(?:canonical|alternate|prev|next)"')

SEARCHES = [  # page to search on, words, what must be found
    ("index.html", "negatives", "Hard negatives"),
    ("zh/index.html", "混淆", "哪些标签混淆"),
    ("zh/index.html", "标签顺序", "论文的 F1 复现不了"),
    ("zh/index.html", "怎样构造难负例", "怎样为新数据集构造难负例"),
]

WITH_A_MOUSE = "window.matchMedia = (ask => q => ask.call(window, q === '(hover)' ? 'all' : q))(window.matchMedia)"
"""A browser without a screen tells of no mouse; the theme then leaves wide blocks of code to touch."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    heavy = tmp_path_factory.mktemp("heavy")
    for name in ("torch", "transformers"):  # the reference is read from the sources, nothing is loaded for it
        (heavy / f"{name}.py").write_text("raise AssertionError('loaded for the documentation')\n", "utf-8")
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(heavy)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "WARNING" not in done.stderr
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_page_is_there_in_both_languages(site: Path) -> None:
    for page in (ROOT / "docs/en").glob("*.md"):
        for folder in (site, site / "zh"):
            assert (folder / f"{page.stem}.html").stat().st_size > 5000, page.name


def test_no_page_names_another_host_to_load_from(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        for tag in LOADED.finditer(text):
            assert not tag["to"].startswith(("http:", "https:", "//")) or CANONICAL.search(tag[0]), (page.name, tag[0])
    assert not (site / "performance.toml").exists() and not list(site.rglob("*.py"))


def test_the_language_switch_stays_on_the_page(site: Path) -> None:
    for path, other in (("graph.html", "zh/graph.html"), ("zh/graph.html", "graph.html")):
        links = dict(re.findall(r'<a href="([^"]+)" hreflang="(\w+)"', (site / path).read_text("utf-8")))
        assert sorted(links.values()) == ["en", "zh"]
        assert (site / other).resolve() in [((site / path).parent / to).resolve() for to in links]


def test_links_out_of_the_docs_become_text(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r'href="[^"]*(?:README|benchmarks/|CHANGELOG)', text), page.name
    assert "Keep a Changelog" in (site / "zh/changelog.html").read_text("utf-8")


@pytest.mark.timeout(300)
def test_search_in_both_languages_and_no_request_leaves(address: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.html"
    empty.write_text("<title>empty</title>", "utf-8")
    with Browser(tmp_path) as browser:
        for path, words, title in SEARCHES:
            page = _visit(browser, empty, address + path)
            found = _search(page, words)
            assert any(title in text.replace("\u200b", "") for text, _ in found), (words, found)
            assert {"/zh/" in to for _, to in found} == {path.startswith("zh/")}
            _leaves_nothing(page, address)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_a_narrow_screen_and_are_accessible(address: str, tmp_path: Path, dark: bool) -> None:
    empty = tmp_path / "empty.html"
    empty.write_text("<title>empty</title>", "utf-8")
    with Browser(tmp_path) as browser:
        for path, width in (("zh/index.html", 1280), ("migration.html", 390), ("zh/faq.html", 390), ("api.html", 1280)):
            page = _visit(browser, empty, address + path, width, dark)
            assert page.run("document.body.dataset.mdColorScheme") == ("slate" if dark else "default")
            assert page.run("document.documentElement.scrollWidth") <= width, path
            assert findings(page) == [], path
            _leaves_nothing(page, address)


def _visit(browser: Browser, empty: Path, url: str, width: int = 1280, dark: bool = False) -> Page:
    page = browser.open(empty, width=width, dark=dark)
    page.requests.clear()
    page.call("Page.addScriptToEvaluateOnNewDocument", source=WITH_A_MOUSE)
    page.call("Page.navigate", url=url)
    _wait(page, "document.readyState === 'complete' && location.href !== 'about:blank' && !!window.document$")
    return page


def _search(page: Page, words: str) -> list[tuple[str, str]]:
    """(title, address) of what the search box finds."""
    page.run("document.querySelector('[data-md-toggle=search]').click()")
    page.run("document.querySelector('.md-search__input').focus()")
    page.type(words)
    _wait(page, "document.querySelectorAll('.md-search-result__link').length > 0")
    found = page.run("[...document.querySelectorAll('.md-search-result__link')].map(a => [a.innerText, a.href])")
    return [(text, to) for text, to in found]


def _wait(page: Page, until: str) -> None:
    end = time.monotonic() + 60
    while not page.run(until):
        assert time.monotonic() < end, until
        time.sleep(0.1)


def _leaves_nothing(page: Page, address: str) -> None:
    assert page.requests
    assert [url for url in page.requests if not url.startswith(address)] == []
    assert page.errors == []


def test_chinese_lines_are_joined_without_a_blank(site: Path) -> None:
    broken = re.compile(r"[\u4e00-\u9fff，。；：、]\n[\u4e00-\u9fff]")
    for page in (site / "zh").glob("*.html"):
        if page.stem != "api":
            prose = re.findall(r"<p>(.*?)</p>", page.read_text("utf-8"), re.S)
            assert [p for p in prose if broken.search(p)] == [], page.name
