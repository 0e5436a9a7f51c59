"""How the page looks to everyone: axe in every view, light and dark, wide and narrow; both languages; how fast."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from browser import Browser, Page
from page_driver import drop, extracted, findings, opened, shown, sideways, stays_home, until

TEXT = "Ada works for Acme Inc. now. Bolt fired Cora.\n甲公司收购乙集团。昨天北京路滑。"
SIZES = ((1280, 900), (390, 844))


def views(page: Page) -> Iterator[str]:
    """Every view of the page, filled, one after another."""
    yield "start"
    extracted(page, TEXT)
    page.run("document.querySelector('#facts .fact-name').click()")
    yield "text"
    page.run("document.querySelector('#facts .edit').click()")
    yield "form"
    page.run("document.querySelector('#review-form button:last-child').click()")
    page.run("document.querySelector('#add-event').click()")
    page.run("document.querySelector('#review-form .add-argument').click()")
    page.run("document.querySelector('#review-form [type=submit]').click()")
    yield "form with faults"
    page.press("Escape")
    page.run("document.querySelectorAll('#facts .reject')[1].click()")
    page.run("document.querySelectorAll('#facts .accept')[2].click()")
    page.run("document.querySelector('#labels .chip').click()")
    yield "judged"
    page.run("document.querySelector('#labels .chip').click()")
    for tab in ("table", "graph", "json"):
        page.run(f"document.getElementById('tab-{tab}').click()")
        if tab == "graph":
            until(page, "document.querySelector('#picture canvas')")
            page.run("document.querySelector('#graph-lines-box summary').click()")
            page.run("document.querySelector('#graph-lines button')?.click()")
        yield tab
    page.run("document.getElementById('tab-text').click(); document.getElementById('save').click()")
    until(page, "!document.getElementById('toast').hidden")
    yield "saved"
    drop(page, {"a.txt": b"Ada works for Bolt now.", "b.pdf": b"not a PDF"})
    yield "files"
    page.run("document.getElementById('extract').click()")
    until(page, "location.hash === '#documents' && document.querySelector('#jobs .job.done')")
    for view in ("documents", "saved", "history", "schema"):
        page.run(f"location.hash = '{view}'")
        page.run("new Promise(done => setTimeout(done, 250))")
        yield view
    page.run("document.querySelector('#schema-editor [data-add=relations]').click()")
    page.run("""(() => { const e = document.querySelectorAll("#schema-editor .line.relations .in-description");
        const last = e[e.length - 1]; last.value = "no name"; last.dispatchEvent(new Event("input")); })()""")
    until(page, "document.querySelector('#schema-editor [aria-invalid]')")
    yield "schema with faults"
    page.run("document.getElementById('help').showModal()")
    yield "keys"


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_view_is_readable_for_everyone(
    browser: Browser, url: str, language: str, width: int, height: int, dark: bool
) -> None:
    page = opened(browser, url, width, height, dark, language)
    wrong = {}
    for view in views(page):
        if found := findings(page):
            wrong[view] = found
        assert sideways(page) == [], view
    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)
    stays_home(page, url)


def test_the_words_of_both_languages(browser: Browser, url: str) -> None:
    page = opened(browser, url, language="zh")
    assert page.run("document.documentElement.lang") == "zh-CN"
    extracted(page, TEXT)
    assert "存为训练数据" in shown(page) and "Save as training data" not in shown(page)
    page.click("#language")
    until(page, "document.documentElement.lang === 'en'")
    assert "Save as training data" in shown(page) and "存为训练数据" not in shown(page)
    assert page.run("localStorage.getItem('iepile.language')") == '"en"'
    stays_home(page, url)


def test_first_paint(browser: Browser, url: str) -> None:
    """Under a second on a machine that does nothing else; what this one took is in the report of the run."""
    took = []
    for n in range(3):
        page = browser.open(f"{url}?paint={n}")
        until(page, "performance.getEntriesByName('first-contentful-paint').length > 0")
        took.append(page.run("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    print(f"first contentful paint: {', '.join(f'{t:.0f} ms' for t in took)}")
    assert min(took) < 1000


def test_a_long_text_is_laid_out_quickly(browser: Browser, url: str) -> None:
    """50,000 characters, 2,000 facts, 900 arcs."""
    page = opened(browser, url)
    page.run(f"window.row = {json.dumps(long_row())}")
    took = page.run("""(async () => {
        const state = await import(document.querySelector("script[type=module]").src.replace("main.js", "state.js"));
        const measure = does => { const from = performance.now(); does(); document.body.offsetHeight;
          return performance.now() - from; };
        const run = { id: "long", time: 1, title: "long", schema: {}, model: "", seconds: 1 };
        const show = measure(() => state.showRun({ ...run, documents: [state.opened(row)] }));
        const choose = measure(() => state.choose(1500, "list"));
        const arcs = document.querySelectorAll(".arc").length;
        return { show, choose, facts: state.current().facts.length, arcs }; })()""")
    print(f"50,000 characters, 2,000 facts: shown in {took['show']:.0f} ms, one chosen in {took['choose']:.0f} ms")
    assert took["facts"] == 2000 and took["arcs"] > 900
    # Three seconds leave room for a machine with other work; alone it is a third of one.
    assert took["show"] < 3000 and took["choose"] < 1500
    stays_home(page, url)


def long_row() -> dict:
    words = [f"{'abcdefgh'[n % 8] * (2 + n % 5)}{n % 90}" for n in range(9000)]
    places, text = [], ""
    for n, word in enumerate(words):
        places.append((len(text), len(text) + len(word)))
        text += word + ("\n" if n % 120 == 119 else " ")
    text = text[:50_000]
    places = [p for p in places if p[1] <= len(text)][::5][:1300]
    entities = [{"entity": text[a:b], "entity_type": f"type {n % 7}", "pos": [a, b], "confidence": (n % 50) / 50}
                for n, (a, b) in enumerate(places)]
    pairs = enumerate(zip(places[:600], places[2:602], strict=True))
    relations = [{"head": text[a:b], "relation": f"relation {n % 5}", "tail": text[c:d], "head_pos": [a, b],
                  "tail_pos": [c, d]} for n, ((a, b), (c, d)) in pairs]
    events = [{"event_type": "event", "event_trigger": text[a:b], "trigger_pos": [a, b], "arguments": [
        {"argument": text[c:d], "role": "role", "argument_pos": [c, d]} for c, d in places[n + 1 : n + 4]]}
        for n, (a, b) in enumerate(places[700:800], 700)]
    return {"text": text, "entity": entities, "relation": relations, "event": events}


def test_less_motion_and_a_dress_of_ones_own(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.run(ground)
    for _ in range(2):  # as the system, light, dark
        page.click("#dress")
    assert page.run(ground) != light
    page.loaded = False
    page.call("Page.reload")
    until(page, "document.body?.dataset.state === 'ready'")
    assert page.run("document.documentElement.dataset.dress") == "dark" and page.run(ground) != light
    end = time.monotonic() + 5
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert page.run("matchMedia('(prefers-reduced-motion: reduce)').matches") and time.monotonic() < end
