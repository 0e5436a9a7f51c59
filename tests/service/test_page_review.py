"""Reviewing a result: filters, corrections by selection and by keyboard, additions, table, graph, JSON, places."""

from __future__ import annotations

import json
from typing import Any

from browser import Browser, Page
from page_driver import drop, extracted, facts, module, opened, select, shown, stays_home, texts, until, write

TEXT = "Ada works for Acme Inc. now. Ada met Cora. 😀 Bolt fired Ada."
ROW: dict[str, Any] = {
    "text": TEXT,
    "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3], "confidence": 0.9},
               {"entity": "Acme Inc.", "entity_type": "firm", "pos": [14, 23], "confidence": 0.6},
               {"entity": "Acme", "entity_type": "brand", "pos": [14, 18], "confidence": 0.3},
               {"entity": "Bolt", "entity_type": "firm", "pos": [45, 49], "confidence": 0.2}],
    "relation": [{"head": "Ada", "relation": "works for", "tail": "Acme Inc.", "head_pos": [0, 3], "tail_pos": [14, 23],
                  "confidence": 0.8}],
    "event": [{"event_type": "dismissal", "event_trigger": "fired", "trigger_pos": [50, 55], "confidence": 0.7,
               "arguments": [{"argument": "Bolt", "role": "employer", "argument_pos": [45, 49]}]}],
}
SCHEMA = {"entities": {"person": {}, "firm": {}, "brand": {}},
          "relations": {"works for": {"domain": ["person"], "range": ["firm"]}},
          "events": {"dismissal": {"roles": {"employer": "", "dismissed": ""}}}}


def reviewing(browser: Browser, url: str, row: dict[str, Any] = ROW) -> Page:
    """The page with a result whose facts are known, as a restored run brings it."""
    page = opened(browser, url, schema=SCHEMA)
    module(page, "state.js", f"""m.showRun({{ id: "known", time: 1, title: "known", schema: {json.dumps(SCHEMA)},
        model: "toy", seconds: 1, documents: [m.opened({json.dumps(row)})] }})""")
    return page


def test_nested_marks_and_arcs(browser: Browser, url: str) -> None:
    page = reviewing(browser, url)
    marks = page.run("[...document.querySelectorAll('#text .mark')].map(m => [m.textContent, m.className])")
    assert [words for words, _ in marks] == ["Ada", "Acme", " Inc.", "Bolt", "fired"]
    labels = page.run("[...document.querySelectorAll('#text .tag')].map(t => t.dataset.label)")
    assert labels == ["person", "brand", "firm", "firm", "dismissal"]
    assert sorted(texts(page, ".arc text")) == ["employer", "works for"]
    # An arc begins over one mark and ends over the other.
    ends = page.run("""(() => { const box = document.querySelector("#text svg").getBoundingClientRect();
        const middle = e => { const r = e.getBoundingClientRect(); return r.x + r.width / 2 - box.x; };
        const marks = [...document.querySelectorAll("#text .mark")];
        const arc = [...document.querySelectorAll(".arc")].find(a => a.textContent === "works for");
        const [rise, , fall] = ["M", "V", "H"].map(c => arc.querySelector(".line").getAttribute("d").split(c)[1]);
        return [parseFloat(rise) - middle(marks[0]), parseFloat(fall) - middle(marks[1])]; })()""")
    assert max(map(abs, ends)) < 12, ends
    page.click("#arcs")
    assert page.run("document.querySelectorAll('.arc').length") == 0
    page.click("#arcs")
    page.click(".arc text")
    assert page.run("document.querySelectorAll('#text .lit').length") >= 2
    stays_home(page, url)


def test_filters(browser: Browser, url: str) -> None:
    page = reviewing(browser, url)
    page.run("(e => { e.value = 65; e.dispatchEvent(new Event('input')); })(document.getElementById('sure'))")
    until(page, "document.querySelectorAll('#text .mark').length === 4")
    assert page.run("document.getElementById('hidden').textContent") == "3 of 6 facts shown, 3 hidden."
    page.click("#unfilter")
    page.click("#labels .chip")
    assert page.run("document.querySelectorAll('#facts li').length") == 4
    page.run("document.getElementById('tab-json').click()")
    assert "Bolt" not in [e["entity"] for e in json.loads(texts(page, "#json")[0])["entity"]]
    stays_home(page, url)


def test_a_span_is_corrected_by_selecting_and_by_typing(browser: Browser, url: str) -> None:
    page = reviewing(browser, url)
    page.run("document.querySelector('#facts .edit').click()")
    select(page, "Ada met")
    page.click("#review-form [data-take]")
    write(page, "#review-form .type", "sentence")
    page.click("#review-form [type=submit]")
    fact = next(f for f in facts(page) if f["verdict"])
    part = fact["parts"][0]
    assert (fact["type"], part["text"], part["start"], fact["verdict"]) == ("sentence", "Ada met", 29, "corrected")
    # Typed words are looked up; of several places one is chosen.
    page.run("document.querySelector('#facts .chosen .edit').click()")
    write(page, "#review-form .mention", "Ada")
    page.run("""(e => { e.value = 2; e.dispatchEvent(new Event("change")); })
        (document.querySelector("#review-form select"))""")
    page.click("#review-form [type=submit]")
    part = next(f for f in facts(page) if f["verdict"])["parts"][0]
    assert (part["start"], part["end"]) == (56, 59) and TEXT[56:59] == "Ada", "code points, after an emoji too"
    page.run("document.querySelector('#facts .edit').click()")
    write(page, "#review-form .mention", "Zed")
    page.click("#review-form [type=submit]")
    assert page.run("document.querySelector('#review-form .mention').getAttribute('aria-invalid')") == "true"
    page.press("Escape")
    assert page.run("document.getElementById('review-form').hidden")
    stays_home(page, url)


def test_a_relation_and_an_event_are_added(browser: Browser, url: str) -> None:
    page = reviewing(browser, url)
    page.click("#add-relation")
    write(page, "#review-form .mention", "Ada")
    page.run("document.querySelectorAll('#review-form .mention')[1].focus()")
    page.type("Bolt")
    page.click("#review-form [type=submit]")
    select(page, "fired")
    page.click("#select-event")
    page.click("#review-form .add-argument")
    page.run("document.querySelectorAll('#review-form .mention')[1].focus()")
    page.type("Cora")
    page.click("#review-form [type=submit]")
    added = {f["kind"]: f for f in facts(page) if f["verdict"] == "added"}
    relation, event = added["relation"], added["event"]
    assert [(p["text"], p["type"]) for p in relation["parts"]] == [("Ada", "person"), ("Bolt", "firm")]
    assert [(p["slot"], p["role"], p["text"]) for p in event["parts"]] == [
        ("trigger", "", "fired"), ("argument", "employer", "Cora")]
    page.run("document.querySelector('#facts .chosen .reject').click()")
    assert [f["kind"] for f in facts(page) if f["verdict"] == "added"] == ["relation"], "a rejected addition is gone"
    stays_home(page, url)


def test_accept_all_from_a_confidence_and_undo(browser: Browser, url: str) -> None:
    page = reviewing(browser, url)
    write(page, "#from", "70")
    page.click("#accept-from button")
    assert sorted(f["confidence"] for f in facts(page) if f["verdict"] == "accepted") == [0.7, 0.8, 0.9]
    page.click("#toast button")
    assert [f for f in facts(page) if f["verdict"]] == []
    page.click("#keep-unreviewed")
    page.run("document.querySelector('#facts .accept').click()")
    row = page.run("""(async () => { const base = document.querySelector("script[type=module]").src;
        const f = await import(base.replace("main.js", "facts.js"));
        const s = await import(base.replace("main.js", "state.js"));
        return f.reviewed(s.current().row, s.current().facts, s.state.run.schema, false).document; })()""")
    assert [e["entity"] for e in row["entity"]] == ["Ada"] and row["relation"] == [] and row["event"] == []
    stays_home(page, url)


def test_table_graph_and_json(browser: Browser, url: str) -> None:
    page = reviewing(browser, url)
    page.click("#tab-table")
    words = "#table-body .col-words"
    page.click("[data-column=confidence]")
    assert texts(page, words)[0] == "Ada"
    assert page.run("document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "descending"
    write(page, "#table-filter", "works for")
    assert texts(page, words) == ["Ada → Acme Inc."]
    page.run("document.getElementById('tabs').querySelector('[aria-selected=true]').focus()")
    page.press("ArrowRight")
    until(page, "document.querySelector('#picture canvas')")
    page.run("document.querySelector('#graph-lines-box summary').click()")
    page.run("document.querySelector('#graph-lines button').click()")
    assert texts(page, "#graph-sentence mark") == ["Ada", "Acme Inc."]
    page.click("#graph-sentence button")
    assert "".join(texts(page, "#text .sentence")) == "Ada works for Acme Inc. now."
    page.press("j")
    row = json.loads(page.run("document.getElementById('json').textContent"))
    assert row["relation"] == ROW["relation"] and row["event"] == ROW["event"]
    assert sorted(row["entity"], key=str) == sorted(ROW["entity"], key=str)
    stays_home(page, url)


def test_the_place_in_a_file_is_told(browser: Browser, url: str) -> None:
    page = reviewing(browser, url, {**ROW, "meta": {"places": [{"start": 0, "end": 28, "page": 3, "paragraph": 2},
                                                                {"start": 29, "end": 60, "page": 4}]}})
    assert "page 3 · paragraph 2" in page.run("document.querySelector('#facts li').textContent")
    page.click("#tab-table")
    assert page.run("document.querySelector('#table-body .col-place').textContent") == "page 3 · paragraph 2"
    drop(page, {"a.md": b"# Staff\n\nAda works for Bolt now.\n"})
    page.click("#extract")
    until(page, "document.querySelector('#jobs .job.done')")
    page.click("#jobs .job.done .main")
    until(page, "document.getElementById('result-title').textContent === 'Staff'")
    page.click("#tab-text")
    until(page, "document.getElementById('text').textContent.includes('Ada works for Bolt now.')")
    assert "paragraph" in shown(page)
    stays_home(page, url)


def test_arrows_walk_through_the_facts_of_a_real_answer(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    assert len(extracted(page, TEXT)) > 3
    page.run("document.querySelector('#facts .fact-name').focus()")
    seen = []
    for _ in range(4):
        page.press("ArrowDown")
        seen.append(page.run("document.activeElement.dataset.id"))
    assert len(set(seen)) == 4 and None not in seen
    page.press("ArrowUp")
    assert page.run("document.activeElement.dataset.id") == seen[2]
    page.press("e")
    until(page, "!document.getElementById('review-form').hidden && document.activeElement.classList.contains('type')")
    page.press("Escape")
    assert page.run("document.activeElement.dataset.id") == seen[2], "the focus comes back to the fact"
    page.press("?")
    assert page.run("document.getElementById('help').open")
    stays_home(page, url)
