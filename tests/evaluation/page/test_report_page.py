"""The page in a real browser: its figures are the report's, its texts are text, and nothing is asked of the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import Browser, Page
from iepile.evaluation.page.report_page import write_report
from iepile.evaluation.report import Report
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows
from report_rows import HOSTILE, examples, made, row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    write_rows(folder / "pred <img src=x>.json", examples())
    found, data = made(folder / "pred <img src=x>.json", draws=200)
    write_report(folder / "report.html", data)
    return found


@pytest.fixture
def page(browser: Browser, folder: Path, report: Report) -> Iterator[Page]:
    opened = browser.open(folder / "report.html")
    yield opened
    assert opened.errors == [] and opened.requests == [opened.url]
    assert opened.run("window.hacked") is None


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")
    return found


def shown(page: Page) -> list[str]:
    return texts(page, "#list small span")


def pick(page: Page, name: str, value: str) -> None:
    page.run(f"""(() => {{ const e = document.querySelector('[data-filter={name}]'); e.value = {json.dumps(value)};
        if (e.value !== {json.dumps(value)}) throw new Error("no such choice"); e.onchange({{ target: e }}); }})()""")


def test_the_headline_is_the_report(page: Page, report: Report) -> None:
    cards = page.run("""[...document.querySelectorAll(".card")].map(c => [c.dataset.task, c.dataset.group,
        ...[...c.querySelectorAll(".f1, dd")].map(d => d.firstChild.textContent)])""")
    assert cards == [[r.task, r.group, f"F1 {r.score.f1:.2f} ", f"{r.score.precision:.2f} ", f"{r.score.recall:.2f} "]
                     for r in report.scores]
    field = [x.split()[0] for x in texts(page, "#field td:nth-child(5)")]
    assert field == [f"{r.score.f1:.2f}" for r in report.field_scores]
    rules = page.run("byId('rules').textContent")
    assert report.setting in rules and "when their characters are · a fact answered twice" in rules
    assert page.run("document.title") == "pred <img src=x>.json · Evaluation"


def test_every_part_is_the_reports(page: Page, report: Report) -> None:
    for n, total in enumerate(report.scores):
        page.click("#groups button", n)
        for part, rows in (("label", report.by_label), ("source", report.by_source)):
            page.click(f"#parts [data-part={part}]")
            found = page.run("""[...document.querySelectorAll("#table tbody tr")].map(r =>
                [r.cells[0].textContent, r.cells[4].firstChild.textContent, +r.cells[7].textContent])""")
            of = [r for r in rows if (r.task, r.group) == (total.task, total.group)]
            assert sorted(found) == sorted([r.label if part == "label" else r.source, f"{r.score.f1:.2f}", r.score.gold]
                                           for r in of)
    page.click("#table th button", 7)
    gold = page.run("[...document.querySelectorAll('#table tbody tr')].map(r => +r.cells[7].textContent)")
    assert gold == sorted(gold) and page.run("document.querySelectorAll('#table th')[7].ariaSort") == "ascending"


def test_filters_leave_fewer_texts(page: Page) -> None:
    pick(page, "kind", "")
    assert len(shown(page)) == 5 and "5 texts" in page.run("byId('found').textContent")
    pick(page, "kind", "boundary")
    assert shown(page) == ["NER · one · line 1"]
    pick(page, "kind", "wrong direction")
    assert shown(page) == ["RE · one · line 3"]
    pick(page, "task", "NER")
    assert shown(page) == [] and "Take a filter away" in page.run("byId('detail').textContent")
    pick(page, "kind", "*")
    assert len(shown(page)) == 3
    pick(page, "source", json.dumps("<b>two</b>"))
    assert shown(page) == ["NER · <b>two</b> · line 2"]
    pick(page, "source", "")
    pick(page, "label", "公司")
    assert shown(page) == []
    pick(page, "label", "地点")
    assert shown(page) == ["NER · one · line 5"]
    pick(page, "label", "")
    pick(page, "task", "")
    page.click("#query")
    page.type("北京")
    assert shown(page) == ["NER · one · line 5"]


def test_sorted_by_confidence_and_by_errors(page: Page) -> None:
    pick(page, "sort", "sure")
    assert shown(page)[0] == "NER · one · line 5"
    pick(page, "sort", "errors")
    marks = page.run("[...document.querySelectorAll('#list small b')].map(e => +e.textContent.slice(1))")
    assert marks == sorted(marks, reverse=True) and marks[0] > marks[-1]


def test_spans_that_cross_are_all_marked(page: Page) -> None:
    text = "Ada Byron met Bob in New York City."
    assert page.run("document.querySelector('.text').textContent") == text
    pieces = page.run("[...document.querySelectorAll('.text .mark')].map(e => [e.textContent, e.dataset.facts])")
    facts = page.run("seen.list[0].facts")
    for n, fact in enumerate(facts):
        for side in ("gold", "answered"):
            for _, words, start, end in fact[side] or ():
                covered = "".join(piece for piece, of in pieces if str(n) in of.split())
                assert start is None or (words in covered and text[start:end] == words)
    crossing = {words for words, of in pieces if len(of.split()) > 1}
    assert {"New", "York"} <= {w.strip() for w in crossing}
    numbers = page.run("[...document.querySelectorAll('.number')].map(e => e.dataset.n)")
    wrong = [n for n, f in enumerate(facts, 1) if f["kind"] != "right"]
    placed = [n for n in wrong if any(p[2] is not None for s in ("gold", "answered") for p in facts[n - 1][s] or ())]
    assert {int(n) for some in numbers for n in some.split()} == set(placed)


def test_a_click_marks_the_fact_and_its_words(page: Page) -> None:
    page.click(".text .mark")
    chosen = page.run("document.querySelector('.facts .on').dataset.fact")
    assert page.run("[...document.querySelectorAll('.mark.lit')].map(e => e.dataset.facts)")[0].split()[0] == chosen
    page.click(".facts:not(.rights) li", 1)
    assert page.run("document.querySelector('.facts .on').dataset.fact") == "1"
    lit = page.run("[...document.querySelectorAll('.mark')].map(e => [e.classList.contains('lit'), e.dataset.facts])")
    assert all(on == ("1" in of.split()) for on, of in lit) and any(on for on, _ in lit)


def test_keys(page: Page) -> None:
    at = "document.querySelector('#list [aria-selected=true]').id"
    page.press("j")
    page.press("j")
    page.press("k")
    assert page.run(at) == "text-1"
    page.run("byId('list').focus()")
    page.press("ArrowDown")
    assert page.run(at) == "text-2"
    page.press("n")
    assert page.run("document.querySelector('.facts .on').dataset.fact") == "0"
    page.press("/")
    assert page.run("document.activeElement.id") == "query"
    page.press("j")
    assert page.run("byId('query').value") == "j"


def test_whatever_stands_in_a_text_is_text(page: Page) -> None:
    page.press("j")
    assert page.run("document.querySelector('.text').textContent") == HOSTILE
    assert page.run("document.querySelectorAll('.text :not(span)').length") == 0
    marked = texts(page, ".text .mark")
    assert marked[:1] == ["</script>"] and "مرحبا" in marked
    assert page.run("document.querySelectorAll('script').length") == 3
    assert page.run("document.documentElement.scrollWidth") <= 1280
    names = texts(page, ".facts b")
    assert HOSTILE[:40] in names


def test_from_a_plot_and_from_the_matrix_to_the_texts(page: Page) -> None:
    page.click("#groups button", 3)  # RE
    page.run("browse({ task: 'RE', kind: 'spurious' })")
    assert shown(page) == ["RE · one · line 3"]
    page.click("#groups button", 2)  # NER
    page.click("#confusion td button")
    assert page.run("filter.pair") is not None and shown(page)
    facts = page.run("seen.list.map(t => t.facts.filter(meets).length)")
    assert all(facts)
    page.click("#filters .chip")
    assert page.run("filter.pair") is None
    cells = page.run("""[...document.querySelectorAll('#confusion td')].reduce((sum, c) => sum + +c.textContent, 0)""")
    counted = page.run("""data.confusions.find(c => c.task === 'NER').cells.reduce((sum, c) => sum + c[2], 0)""")
    assert cells == counted > 0


def test_the_matrix_has_the_labels_that_are_confused(browser: Browser, tmp_path: Path) -> None:
    labels = [f"label {n:02}" for n in range(40)]
    rows = []
    for n, label in enumerate(labels):
        answer: dict[str, list[str]] = {name: [] for name in labels}
        if n >= 30:  # the last are confused with their neighbours, all others missed twice
            answer[labels[n - 1]] = ["Ada"]
        gold = [{"entity": w, "entity_type": label} for w in ("Ada", "Bob")[: 1 if n >= 30 else 2]]
        rows.append(row("NER", n, "Ada met Bob", labels, gold, answer))
    write_rows(tmp_path / "pred.json", rows)
    write_report(tmp_path / "many.html", made(tmp_path / "pred.json", draws=10)[1])
    page = browser.open(tmp_path / "many.html")
    assert texts(page, ".heat tbody th") == [*labels[:9], *labels[29:], "none"]
    assert texts(page, ".pairs li") == [f"{a} → {b}: 1" for a, b in zip(labels[30:], labels[29:], strict=False)]
    page.click(".pairs button", 4)
    assert shown(page) == ["NER · one · line 35"] and page.errors == []


def test_both_languages(page: Page) -> None:
    words = page.run("data.words")
    page.click("#switch")
    assert page.run("document.documentElement.lang") == "zh"
    assert page.run("byId('browser-title').textContent") == "文本与错误"
    assert "undefined" not in page.run("document.body.innerText")
    page.click("#switch")
    assert page.run("byId('browser-title').textContent") == "Texts and their errors"
    assert "undefined" not in page.run("document.body.innerText")
    assert {k for k, v in words["en"].items() if isinstance(v, str)} == {
        k for k, v in words["zh"].items() if isinstance(v, str)}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("dark", [False, True])
def test_a_telephone(browser: Browser, folder: Path, report: Report, language: str, dark: bool) -> None:
    path = folder / f"{language}.html"
    write_report(path, made(folder / "pred <img src=x>.json", draws=50, language=language)[1])
    page = browser.open(path, width=390, height=800, dark=dark)
    for n in range(4):
        page.click("#groups button", n)
        assert page.run("document.documentElement.scrollWidth") == 390
    for _ in range(4):
        page.press("j")
        assert page.run("document.documentElement.scrollWidth") == 390
    assert page.run("document.documentElement.lang") == language and page.errors == []
    light = page.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, light[4:-1].split(","))) < 200) == dark


def test_confidence_is_drawn_where_there_is_some(page: Page) -> None:
    page.click("#groups button", 2)
    assert "Can confidence be trusted?" in texts(page, "#plots h2")
    page.click("#groups button", 3)
    assert "Can confidence be trusted?" not in texts(page, "#plots h2")
    assert page.run("charts.every(c => c.getWidth() > 300 && c.getWidth() <= c.getDom().parentElement.clientWidth)")


def test_label_orders_when_there_are_several(browser: Browser, tmp_path: Path) -> None:
    rows = examples()
    for r in rows:
        if r["task"] == "NER":
            r["orders"] = [r["output"], "{}", r["output"]]
    write_rows(tmp_path / "pred.json", rows)
    evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), report=str(tmp_path / "orders.html")))
    page = browser.open(tmp_path / "orders.html")
    page.click("#groups button", 2)
    assert page.errors == []
    assert "F1 by order of the labels" in texts(page, "#plots h2")
    f1 = page.run("data.orders.find(o => o.task === 'NER').f1")
    assert f1[0] == f1[2] > f1[1] == 0 and f"{f1[0]:.2f}" in texts(page, "#plots text")
    assert "0 of 3 rows" in page.run("byId('plots').textContent") and page.errors == []


def test_triples_in_the_text_and_completed_ones_have_figures_of_their_own(browser: Browser, tmp_path: Path) -> None:
    triples = [["Ada", "spouse", "Bob"], ["Ada", "spouse", "Zoe"]]
    label = [{"head": h, "relation": r, "tail": t} for h, r, t in triples]
    write_rows(tmp_path / "pred.json", [{
        "id": "1", "task": "TRIPLES", "input": "Ada wed Bob.",
        "instruction": "关系类型为{'spouse'}，以(头实体,关系,尾实体)的形式回答",
        "label": json.dumps(label), "completed": [triples[1]], "output": "(Ada,spouse,Bob)"}])
    done = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), report=str(tmp_path / "r.html")))
    page = browser.open(tmp_path / "r.html")
    assert [texts(page, f"#completion tbody tr:nth-child({n}) > *") for n in (1, 2)] == [
        [f"TRIPLES · {r.group}", *(f"{x:.2f}" for x in (r.score.precision, r.score.recall, r.score.f1)),
         *map(str, (r.score.tp, r.score.pred, r.score.gold))] for r in done.completion]
    assert done.completion[0].score.f1 == 100 and done.completion[1].score.f1 == 0
    page.run("data.language = 'zh', headline()")
    assert "补全" in page.run("byId('completion').textContent") and page.errors == []


def test_nothing_to_say_is_no_error(browser: Browser, tmp_path: Path) -> None:
    write_rows(tmp_path / "pred.json", [row("NER", 1, "", ["p"], [], {"p": []})])
    write_report(tmp_path / "empty.html", made(tmp_path / "pred.json", draws=10)[1])
    page = browser.open(tmp_path / "empty.html")
    assert page.errors == [] and "No errors." in page.run("document.body.innerText")
