"""Marks in any text: nothing is lost or added, each mention is where it is. A page of many rows is soon made."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from browser import Browser
from iepile.evaluation.page.report_page import write_report
from iepile.jsonl import write_rows
from report_rows import made, row

LETTERS = ["a", "B", " ", "\n", "中", "文", "ش", "\u05d0", "<", ">", "&", '"', "'", "\\", "`", "\u2028", "\u200d",
           "\ufeff", "\0", "\U0001f469", "\U0001f1e9", "e\u0301", "</script>", "<!--", "]]>", "${", "{{", "x" * 90]


def random_rows(n: int) -> list[dict[str, Any]]:
    rng = random.Random(5)
    rows = []
    for number in range(n):
        text = "".join(rng.choices(LETTERS, k=rng.randint(1, 40)))

        def pieces(text: str = text) -> list[str]:
            found = []
            for _ in range(rng.randint(0, 5)):
                start = rng.randrange(len(text))
                found.append(text[start : start + rng.randint(1, 12)])
            return found

        labels = ["p", rng.choice(LETTERS) + "q"]
        gold = [{"entity": w, "entity_type": rng.choice(labels)} for w in pieces()]
        rows.append(row("NER", number, text, labels, gold, {name: pieces() for name in labels}, rng.choice(LETTERS)))
    return rows


def test_any_text_survives_its_marks(browser: Browser, tmp_path: Path) -> None:
    write_rows(tmp_path / "pred.json", random_rows(80))
    data = made(tmp_path / "pred.json", draws=10)[1]
    write_report(tmp_path / "texts.html", data)
    page = browser.open(tmp_path / "texts.html")
    kept = page.run("JSON.stringify(data.texts)")
    assert kept == json.dumps(data["texts"], ensure_ascii=False, separators=(",", ":"))
    page.run("Object.assign(filter, { kind: '' }), list()")
    marks = crossing = 0
    for n, text in enumerate(data["texts"]):
        page.run(f"open({n})")
        found = page.run("""[...document.querySelector(".text").childNodes].filter(e => e.className !== "number")
            .map(e => [e.textContent, e.dataset ? e.dataset.facts.split(" ").map(Number) : []])""")
        assert "".join(words for words, _ in found) == text["text"]
        at = 0
        of: list[set[int]] = [set() for _ in text["text"]]
        for words, facts in found:
            crossing += len(facts) > 1
            for place in range(at, at + len(words)):
                of[place].update(facts)
            at += len(words)
        wanted: list[set[int]] = [set() for _ in text["text"]]
        for number, fact in enumerate(text["facts"]):
            for _, words, start, end in (*(fact["gold"] or ()), *(fact["answered"] or ())):
                if start is not None:
                    assert text["text"][start:end] == words
                    marks += 1
                    for place in range(start, end):
                        wanted[place].add(number)
        assert of == wanted
    assert marks > 200 and crossing > 100 and page.errors == [] and page.requests == [page.url]


@pytest.mark.slow
def test_many_rows_in_a_minute_and_in_little_memory(tmp_path: Path) -> None:
    rng = random.Random(1)
    labels = ["person", "place", "organisation"]

    def answer(gold: list[tuple[str, str]]) -> dict[str, list[str]]:
        return {x: [w for w, t in gold if t == x and rng.random() < 0.8] + ["noise"] * (rng.random() < 0.3)
                for x in labels}

    memory = []
    for size in (5_000, 50_000):
        rows = []
        for n in range(size):
            gold = [(f"e{rng.randint(0, 30)}", rng.choice(labels)) for _ in range(rng.randint(0, 6))]
            words = " ".join(w for w, _ in gold)
            rows.append(row("NER", n, f"text {n} of {words}", labels,
                            [{"entity": w, "entity_type": t} for w, t in gold], answer(gold)))
        write_rows(tmp_path / "pred.json", rows)
        code = ("import sys, resource; from iepile import EvaluateConfig, evaluate; "
                "evaluate(EvaluateConfig(path1=sys.argv[1], report=sys.argv[2])); "
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "pred.json"), str(tmp_path / "page.html")],
                              capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        memory.append(int(done.stdout) / 1024)
        assert after.ru_utime - before.ru_utime < 60
        assert (tmp_path / "page.html").stat().st_size < 5_000_000
    assert memory[1] - memory[0] < 60, memory  # MiB; ten times as many rows


@pytest.mark.parametrize(("name", "task"), [
    ("ner_mixed", "NER"), ("re_mixed_subject_object", "RE"), ("ee_mixed", "EE"), ("eea_mixed_trigger", "EEA"),
    ("eet_crash", "EET"), ("kg_crash_nonstring", "KG"), ("crash_output_null", "NER"),
])
def test_rows_that_the_reference_stumbles_over(
    browser: Browser, shared: Path, tmp_path: Path, name: str, task: str
) -> None:
    write_report(tmp_path / "page.html", made(shared / f"golden/eval/{name}.json", task=task, draws=10)[1])
    page = browser.open(tmp_path / "page.html")
    for n in range(page.run("document.querySelectorAll('#groups button').length")):
        page.click("#groups button", n)
    for _ in range(page.run("seen.list.length")):
        page.press("n")
        page.press("j")
    assert page.errors == [] and "undefined" not in page.run("document.body.innerText")
