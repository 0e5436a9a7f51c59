"""The whole road on the page: paste, extract, marks, review, save, a file that training takes; files dropped on it."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from browser import CONTROL, Browser
from iepile.unified import document_from_row
from page_driver import TEXT, drop, extracted, facts, go, opened, select, shown, stays_home, until, write


def corrections(url: str) -> list[dict]:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url + "v1/corrections") as answer:
        return [json.loads(line) for line in answer]


def test_from_text_to_training_data(browser: Browser, url: str, tmp_path: Path) -> None:
    page = opened(browser, url)
    write(page, "#input", TEXT)
    page.press("Enter", CONTROL)
    until(page, "document.querySelectorAll('#text .mark').length > 0")
    found = facts(page)
    assert found and all(f["parts"][0]["text"] for f in found)
    for fact in found:  # what is marked is what the service said
        for part in fact["parts"]:
            assert part["start"] is None or TEXT[part["start"]:part["end"]] == part["text"]
    assert page.run("[...document.querySelectorAll('#text p')].map(p => p.textContent).join('\\n')") == TEXT

    page.run("document.querySelector('#facts .fact-name').focus()")
    page.press("ArrowDown")
    second = page.run("+document.querySelector('#facts .chosen .fact-name').dataset.id")
    page.press("a")
    page.press("ArrowDown")
    third = page.run("+document.querySelector('#facts .chosen .fact-name').dataset.id")
    page.press("r")
    verdicts = {f["id"]: f["verdict"] for f in facts(page)}
    assert verdicts[second] == "accepted" and verdicts[third] == "rejected"
    page.press("u")
    assert {f["id"]: f["verdict"] for f in facts(page)}[third] == ""
    page.press("U")
    rejected = next(f for f in facts(page) if f["id"] == third)
    assert rejected["verdict"] == "rejected"

    select(page, "Bolt fired")
    page.click("#select-entity")
    write(page, "#review-form .type", "headline")
    page.click("#review-form [type=submit]")
    added = [f for f in facts(page) if f["verdict"] == "added"]
    start = TEXT.index("Bolt fired")
    part = added[0]["parts"][0]
    assert [f["type"] for f in added] == ["headline"] and (part["start"], part["end"]) == (start, start + 10)

    page.click("#save")
    until(page, "document.getElementById('saved-note').textContent !== ''")
    kept = corrections(url)[-1]
    document = document_from_row(kept)
    assert ("headline", "Bolt fired") in [(e.type, e.span.text) for e in document.entities]
    assert set(document.annotated) == {"entity", "relation", "event"}
    assert kept["meta"]["review"]["accepted"] == 1 and kept["meta"]["review"]["added"] == 1
    (kind, (gone,)), = kept["meta"]["review"]["rejected"].items()
    assert gone not in kept[kind]
    assert len(kept["entity"]) + len(kept["relation"]) + len(kept["event"]) == len(facts(page)) - 1
    trains(kept, tmp_path)

    # Saved again, the review takes the place of the former one.
    before = len(corrections(url))
    page.click("#undo")
    page.click("#save")
    until(page, "document.getElementById('saved-note').textContent === 'Saved.'")
    assert len(corrections(url)) == before
    stays_home(page, url)


def trains(row: dict, folder: Path) -> None:
    """`iepile convert` takes the file as it is."""
    from iepile.corpus.convert import ConvertConfig, convert
    from served_models import SCHEMA

    (folder / "corrections.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    schema = json.loads(json.dumps(SCHEMA))
    schema["entities"].append("headline")
    (folder / "schema.json").write_text(json.dumps(schema, ensure_ascii=False), "utf-8")
    convert(ConvertConfig(src_path=str(folder / "corrections.jsonl"), tgt_path=str(folder / "rows.json"),
                          schema_path=str(folder / "schema.json"), language="en", task="NER", split="train",
                          split_num=6))
    rows = [json.loads(line) for line in (folder / "rows.json").read_text("utf-8").splitlines()]
    assert any("Bolt fired" in r["output"] for r in rows)


def test_files_become_a_job_that_a_reload_finds(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    drop(page, {"one.txt": TEXT.encode(), "two.html": b"<p>Dan works for U.S. Steel now.</p>", "old.exe": b"MZ"})
    until(page, "document.querySelectorAll('#file-list li').length === 2")
    assert "old.exe" in page.run("document.getElementById('file-problems').textContent")
    page.click("#extract")
    until(page, "location.hash === '#documents' && document.querySelector('#jobs .job.done')")
    go(page, url + "?reload#documents")
    until(page, "document.querySelector('#jobs .job.done')")
    assert "one.txt" in shown(page)
    page.click("#jobs .job.done .main")
    until(page, "location.hash === '#extract' && document.querySelectorAll('#document option').length === 2")
    page.click("#after")
    assert page.run("document.getElementById('result-title').textContent") == "two.html"
    assert "U.S. Steel" in page.run("document.getElementById('text').textContent")
    stays_home(page, url)


def test_several_texts_come_one_after_another(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    page.click("#lines")
    extracted(page, "Ada works for Bolt now.\n\nCora works for Acme Inc. now.\nDan left.")
    assert page.run("document.querySelectorAll('#document option').length") == 3
    page.press("]")
    assert "Cora" in page.run("document.getElementById('text').textContent")
    stays_home(page, url)


def test_history_keeps_runs_and_lets_them_go(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    extracted(page, "Ada works for Bolt now.")
    extracted(page, "Cora works for Acme Inc. now.")
    page.run("document.querySelector('#facts .accept').click()")
    page.run("new Promise(done => setTimeout(done, 600))")
    write(page, "#input", "A draft that nobody sent.")
    page.run("new Promise(done => setTimeout(done, 400))")
    go(page, url + "?again#history")
    until(page, "document.querySelectorAll('#history-list li').length === 2")
    assert page.run("document.getElementById('input').value") == "A draft that nobody sent."
    assert [f["verdict"] for f in facts(page)].count("accepted") == 1, "the last run is there again, with its review"
    page.run("document.querySelectorAll('#history-list .main')[1].click()")
    until(page, "document.getElementById('text').textContent.includes('Ada works')")
    page.run("location.hash = 'history'")
    page.run("document.querySelectorAll('#history-list li:first-child button')[1].click()")
    until(page, "document.querySelectorAll('#history-list li').length === 1")
    page.click("#forget-all")
    page.click("#forget-all")
    until(page, "document.querySelectorAll('#history-list li').length === 0")
    stays_home(page, url)
