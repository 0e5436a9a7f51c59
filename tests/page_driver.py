"""The page of the service as its tests use it: a real server with a toy model, and a real browser.

    with served(model, tmp_path) as url, Browser(tmp_path) as browser:
        page = opened(browser, url)
        extracted(page, "Ada works for Acme Inc. now.")
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import Browser, Page
from served_models import SCHEMA
from server_process import free_port, running

SECONDS = 40.0
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TEXT = "Ada works for Acme Inc. now. Bolt fired Cora."


@contextmanager
def served(model: Path, folder: Path, *options: str) -> Iterator[str]:
    """A server in a process of its own; gives the address of its page."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "iepile", "serve", str(model), "--port", str(port), "--data-dir",
               str(folder / "data"), *options]
    with running(command, port, "/page/settings.json", folder / "log") as address:
        yield address.removesuffix("v1")


def opened(browser: Browser, url: str, width: int = 1280, height: int = 900, dark: bool = False,
           language: str = "en", schema: Any = SCHEMA) -> Page:
    """The page as a new visitor finds it, with a schema to work with."""
    page = browser.open(url + "page/settings.json", width, height, dark)
    page.run("""(async () => { localStorage.clear(); sessionStorage.clear(); await new Promise(done => {
        const r = indexedDB.deleteDatabase("iepile"); r.onsuccess = r.onerror = r.onblocked = done; }); })()""")
    page.run(f"localStorage.setItem('iepile.language', JSON.stringify({json.dumps(language)}))")
    page.errors.clear()
    go(page, url)
    if schema is not None:
        take_schema(page, schema)
    return page


def go(page: Page, url: str) -> None:
    """Load an address in the same tab and wait until all is there."""
    page.loaded = False
    page.call("Page.navigate", url=url)
    until(page, "document.body?.dataset.state === 'ready'")


def until(page: Page, condition: str, seconds: float = SECONDS) -> None:
    """Wait until a condition holds in the page."""
    end = time.monotonic() + seconds
    while True:
        try:
            if page.run(f"Boolean({condition})"):
                return
        except AssertionError:  # between two pages
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, f"waited in vain for {condition}: {page.errors[:3]} {shown(page)[:600]}"
        time.sleep(0.05)


def visit(page: Page, view: str) -> None:
    """To a view of the page. The browser tells the page of a new address later, and what is hidden takes no focus."""
    page.run(f"location.hash = '{view}'")
    until(page, f"!document.getElementById('view-{view}').hidden")


def shown(page: Page) -> str:
    """All the words one sees."""
    return str(page.run("document.body.innerText"))


def texts(page: Page, selector: str) -> list[str]:
    """The words of all elements."""
    return list(page.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)"))


def take_schema(page: Page, schema: Any) -> None:
    """Open a schema file, as the button for it does."""
    page.run(f"""(() => {{ const file = new File([{json.dumps(json.dumps(schema))}], "schema.json");
        const data = new DataTransfer(); data.items.add(file); const input = document.getElementById("import");
        input.files = data.files; input.dispatchEvent(new Event("change")); }})()""")
    until(page, "document.querySelectorAll('#schema-names li').length > 0")
    page.run("document.querySelector('#toast button:last-child')?.click()")


def write(page: Page, selector: str, text: str) -> None:
    """Type into a field in place of what is there."""
    page.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus(); e.select(); }})()")
    if text:
        page.type(text)
    else:
        page.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.value = ''; "
                 "e.dispatchEvent(new Event('input')); })()")


def extracted(page: Page, text: str) -> list[dict[str, Any]]:
    """Paste a text, press the button, wait; the facts that the page holds."""
    write(page, "#input", text)
    page.click("#extract")
    until(page, "document.getElementById('working').hidden && !document.getElementById('extract').disabled")
    return facts(page)


def module(page: Page, name: str, expression: str) -> Any:
    """An expression over one of the page's modules, which it knows as `m`."""
    return page.run(f"""(async () => {{ const m = await import(document.querySelector('script[type=module]').src
        .replace('main.js', {json.dumps(name)})); return ({expression}); }})()""")


def facts(page: Page) -> list[dict[str, Any]]:
    """The facts of the document on the page, as the review holds them."""
    found: list[dict[str, Any]] = module(page, "state.js", "m.current()?.facts ?? []")
    return found


def select(page: Page, words: str) -> None:
    """Select words in the marked text, as a drag of the mouse does."""
    page.run(f"""(() => {{ const words = {json.dumps(words)}, box = document.getElementById("text");
        const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT), nodes = []; let all = "";
        while (walker.nextNode()) {{ nodes.push([walker.currentNode, all.length]); all += walker.currentNode.data; }}
        const at = all.indexOf(words), end = at + words.length, range = document.createRange();
        const find = (n, last) => nodes.filter(([, from]) => last ? from < n : from <= n).pop();
        const [a, from] = find(at, false), [b, to] = find(end, true);
        range.setStart(a, at - from); range.setEnd(b, end - to);
        box.focus(); getSelection().removeAllRanges(); getSelection().addRange(range); }})()""")
    until(page, "!document.getElementById('selection').hidden")


def drop(page: Page, files: dict[str, bytes]) -> None:
    """Let files fall on the page."""
    named = {name: list(content) for name, content in files.items()}
    page.run(f"""(() => {{ const data = new DataTransfer(), files = {json.dumps(named)};
        for (const [name, bytes] of Object.entries(files)) data.items.add(new File([new Uint8Array(bytes)], name));
        const about = {{dataTransfer: data, bubbles: true, cancelable: true}};
        for (const kind of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(kind, about)); }})()""")


def findings(page: Page) -> list[str]:
    """What axe finds serious or critical in the page as it stands."""
    if not page.run("'axe' in window"):
        page.run(AXE.read_text("utf-8") + "; undefined")
    found = page.run("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
                     ".filter(v => ['serious', 'critical'].includes(v.impact))"
                     ".map(v => v.id + ': ' + v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + ' ' "
                     "+ n.failureSummary).join(' | ')))")
    return list(found)


def sideways(page: Page) -> list[str]:
    """Elements that make the page wider than the window."""
    return list(page.run("""document.documentElement.scrollWidth <= innerWidth ? []
        : [...document.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5)
        .map(e => `${e.tagName}#${e.id}.${e.className}`)"""))


def stays_home(page: Page, url: str) -> None:
    """No request left the host, and the console is silent."""
    away = [r for r in page.requests if not r.startswith(url)]
    assert away == [] and page.errors == [], (away, page.errors)
