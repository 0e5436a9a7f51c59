"""Jobs, long texts and graphs on the page: downloads have what was not loaded; what the service says is understood."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import Browser, Page
from iepile.errors import InputError
from iepile.reading.reader import ReadLimits, read_document
from iepile.service.page_files import page_files
from page_driver import drop, module, opened, served, texts, until, write

ROWS = [f"Ada {n} works for Bolt now." for n in range(60)]
DOCUMENTS = [
    {"id": "1", "text": "Ada works for Ada. Ada met ada.",
     "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]},
                {"entity": "Ada", "entity_type": "firm", "pos": [14, 17]}],
     "relation": [{"head": "Ada", "relation": "works for", "tail": "Ada", "head_type": "person", "tail_type": "firm",
                   "head_pos": [0, 3], "tail_pos": [14, 17]}],
     "event": [{"event_trigger": "met", "event_type": "meeting", "trigger_pos": [23, 26],
                "arguments": [{"argument": "Ada", "role": "host", "argument_pos": [0, 3]}]}]},
    {"id": "2", "text": "ada left Ada.", "entity": [{"entity": "Ada", "entity_type": "firm", "pos": [9, 12]},
                                                    {"entity": "ada", "entity_type": "person", "pos": [0, 3]}]},
]


@pytest.fixture(scope="module")
def url(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(compact, tmp_path_factory.mktemp("page"), "--max-characters", "2000") as address:
        yield address


def downloaded(page: Page, script: str) -> str:
    """The text of the file that a click gives."""
    page.run("window.given = null; URL.createObjectURL = blob => { window.given = blob; return 'blob:none'; }; "
             f"HTMLAnchorElement.prototype.click = () => {{}}; {script}")
    until(page, "window.given")
    return str(page.run("window.given.text()"))


def show(page: Page, documents: list[dict[str, Any]]) -> None:
    """Documents as the result of a run."""
    module(page, "state.js", f"m.showRun({{id: 'r', time: 0, title: 'r', schema: {{}}, model: '', seconds: 0, "
                             f"documents: {json.dumps(documents)}.map(row => m.opened(row))}})")


def test_downloads_of_a_job_have_what_was_not_loaded(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    drop(page, {"rows.csv": "\n".join(["text", *ROWS]).encode()})
    page.click("#extract")
    until(page, "document.querySelector('#jobs .job.done')")
    page.click("#jobs .job.done .main")
    until(page, "document.querySelectorAll('#document option').length === 50")
    page.click("#tab-json")
    rows = [json.loads(line) for line in downloaded(page, "document.getElementById('download').click()").splitlines()]
    assert [row["text"] for row in rows] == ROWS and all("entity" in row for row in rows)

    page.click("#tab-graph")
    assert "the 50 loaded of 60 documents" in texts(page, "#graph-all-box span")
    until(page, "document.querySelector('#graph-form option[value=jsonl]')")
    chosen = ("(() => { const e = document.getElementById('graph-form'); e.value = 'jsonl'; "
              "e.dispatchEvent(new Event('change')); })()")
    page.requests.clear()
    whole = downloaded(page, chosen)
    assert [re.sub("/[0-9a-f]{32}/", "/ID/", r.removeprefix(url)) for r in page.requests] == [
        "v1/documents/ID/graph?form=jsonl"]
    assert "rows.csv:61" in whole, "the last row of the table"

    page.click("#tab-text")
    page.run("document.querySelector('#facts .reject').click()")
    page.requests.clear()
    less = downloaded(page, chosen)
    assert f"{url}v1/graph" in page.requests, "a reviewed job is not what the service has"
    assert len(less.splitlines()) == len(whole.splitlines()) - 1 and "rows.csv:61" in less
    page.click("#more-documents")
    until(page, "document.querySelectorAll('#document option').length === 60")
    assert texts(page, "#graph-all-box span") == ["all documents"]


def test_a_text_that_is_too_long_goes_in_as_a_file(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    write(page, "#input", "Ada works for Bolt now. " * 100)
    until(page, "!document.getElementById('as-file').hidden")
    page.click("#as-file")
    assert texts(page, "#file-list .name") == ["text.txt"] and page.run("document.getElementById('input').value") == ""
    page.click("#clear")
    page.click("#lines")
    write(page, "#input", "\n".join(['He said "no", twice', *ROWS * 2]))
    until(page, "!document.getElementById('as-file').hidden")
    page.click("#as-file")
    page.click("#extract")
    until(page, "document.querySelector('#jobs .job:first-child h3')?.textContent === 'texts.csv'")
    until(page, "document.querySelector('#jobs .job:first-child').classList.contains('done')")
    page.click("#jobs .job:first-child .main")
    until(page, "document.querySelectorAll('#document option').length === 50")
    words = page.run("[...document.querySelectorAll('#text [data-from]')].map(e => e.textContent).join('')")
    assert words == 'He said "no", twice'
    assert "121" in str(page.run("document.getElementById('document-of').textContent"))


def test_the_graph_has_the_things_of_the_services_graph(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    show(page, DOCUMENTS)
    nodes = module(page, "result_graph.js", """(await (async () => { const s = await import(document.querySelector(
        'script[type=module]').src.replace('main.js', 'state.js'));
        return m.graphOf(s.state.run.documents.map((doc, at) => ({ doc, at })), s.tones()); })()).nodes""")
    asked = urllib.request.Request(url + "v1/graph", json.dumps({"documents": DOCUMENTS}).encode(),
                                   {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as answer:
        served_nodes = json.load(answer)["nodes"]
    ours = sorted((n["label"], n["type"]) for n in nodes if n["look"] == "entity")
    # The words of a role have no type there, and are a node of their own; here they are the entity in their place.
    assert ours == sorted((n["name"], n["type"]) for n in served_nodes if "type" in n and "event" not in n)
    assert ours == [("Ada", "firm"), ("Ada", "person"), ("ada", "person")]


def test_links_of_one_name_to_other_lines_are_one_arc(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    lines = ["quake", *(f"place{n}" for n in range(9))]
    text = "\n".join(lines)
    events = [{"event_trigger": "quake", "event_type": "quake", "trigger_pos": [0, 5], "arguments": [
        {"argument": w, "role": "hit", "argument_pos": [text.index(w), text.index(w) + len(w)]}]} for w in lines[1:]]
    show(page, [{"id": "1", "text": text, "event": events}])
    until(page, "document.querySelectorAll('#text .arc').length === 10")
    shared = "[...document.querySelectorAll('#text .arc')].find(a => a.dataset.facts.includes(' '))"
    assert page.run(f"{shared}.dataset.facts") == "0 1 2 3 4 5 6 7 8"
    module(page, "state.js", "m.choose(7, 'list')")
    assert page.run("[...document.querySelectorAll('#text .arc.lit')].map(a => a.dataset.facts)") == [
        "7", "0 1 2 3 4 5 6 7 8"]


def test_what_the_service_says_is_told_in_chinese_too(browser: Browser, url: str) -> None:
    page = opened(browser, url, language="zh")
    drop(page, {"a.txt": b"Ada works for Bolt now.", "empty.txt": b"", "broken.pdf": b"%PDF-1.4 no"})
    page.click("#extract")
    until(page, "document.querySelectorAll('#jobs .job.done details li').length === 2")
    said = dict(zip(texts(page, "#jobs details b"), texts(page, "#jobs details li"), strict=True))
    assert said["empty.txt"].startswith("empty.txt: 内容为空is empty")
    assert said["broken.pdf"].startswith("broken.pdf: 文件已损坏") and "is damaged" in said["broken.pdf"]
    page.click("#language")
    until(page, "document.documentElement.lang === 'en'")
    assert texts(page, "#jobs .original") == [] and "内容为空" not in texts(page, "#jobs details li")[1]


def test_a_problem_is_brought_into_view(browser: Browser, url: str) -> None:
    page = opened(browser, url, language="zh", schema={"entities": [f"type {n}" for n in range(40)]})
    page.run("location.hash = 'schema'")
    write(page, "#short-list", "person))")
    page.click("#read-list")
    until(page, "document.querySelector('#schema-problem .problem')")
    top, bottom = page.run("(r => [r.top, r.bottom])(document.querySelector('#schema-problem .problem')"
                           ".getBoundingClientRect())")
    assert 40 < top < bottom < 900, "seen, and not below the head of the page"
    assert "括号不成对" in texts(page, "#schema-problem .said")[0]


def test_a_newcomer_begins_with_an_example(browser: Browser, url: str) -> None:
    page = opened(browser, url, schema=None)
    assert texts(page, "#edit-schema") == ["Choose a schema"]
    until(page, "document.querySelectorAll('#welcome-samples button').length > 1")
    page.click("#welcome-samples button")
    until(page, "document.querySelectorAll('#schema-names li').length > 2")
    assert len(page.run("document.getElementById('input').value")) > 50
    assert texts(page, "#edit-schema") == ["Edit, or choose another"]


@pytest.mark.parametrize("name, data, limits", [
    ("a.txt", b"", {}), ("a.pdf", b"%PDF-1.4 no", {}), ("a.docx", b"PK\x03\x04 no", {}), ("a.docx", b"no", {}),
    ("a.png", b"\x89PNG\r\n\x1a\n", {}), ("a.xyz", b"no", {}), ("a", b"no", {}), ("a.csv", b"text\n\n", {}),
    ("a.txt", b"Ada", {"characters": 2}), ("a.txt", b"Ada", {"bytes_in": 2}), ("a.html", b"<p></p>", {}),
])
def test_what_is_said_of_files_has_a_meaning(name: str, data: bytes, limits: dict[str, int]) -> None:
    known = json.loads(page_files()[1]["words/said.zh.json"].content)
    with pytest.raises(InputError) as said:
        read_document(data, name, ReadLimits(**limits))
    assert any(re.search(pattern, said.value.problem) for pattern, _ in known), said.value.problem
    assert all(re.search("[\u4e00-\u9fff]", means) for _, means in known)
