"""`iepile calibrate`: a dev file of predictions in, curves and thresholds out; clear words where it tells nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iepile.cli.main import main
from iepile.errors import InputError
from iepile.extraction.calibrate import CalibrateConfig, calibrate, tables
from iepile.extraction.calibration import above, apply_calibration, read_calibration
from iepile.jsonl import dumps, write_rows
from iepile.records import Argument, Entity, Event, Facts, Relation, Span


def row(task: str, schema: list[Any], text: str, label: list[dict[str, Any]], facts: Facts) -> dict[str, Any]:
    return {"task": task, "source": "x", "instruction": dumps({"instruction": "?", "schema": schema, "input": text}),
            "label": dumps(label), "output": "{}", "facts": msgspec.to_builtins(facts)}


def entities(document: int, rng: random.Random, right_when: Callable[[float], float]) -> dict[str, Any]:
    """A row of one text with four words, of which the model says with some confidence that they are persons."""
    words = [f"W{document}x{n}" for n in range(4)]
    told, gold = [], []
    for word in words:
        confidence = round(rng.random(), 4)
        told.append(Entity("person", Span(word), confidence))
        if rng.random() < right_when(confidence):
            gold.append({"entity": word, "entity_type": "person"})
    gold.append({"entity": "missed", "entity_type": "person"})
    gold.append({"entity": "not asked", "entity_type": "place"})
    return row("NER", ["person"], " ".join(words), gold, Facts(tuple(told)))


def event(document: int, rng: random.Random) -> dict[str, Any]:
    word, who = f"T{document}", f"A{document}"
    sure = rng.choice([0.2, 0.9])
    told = Event("leave", Span(word), (Argument("who", Span(who), sure), Argument("whence", Span("here"), 0.5)), sure)
    good = rng.random() < sure
    gold = [{"event_trigger": word if good else "T", "event_type": "leave",
             "arguments": [{"argument": who, "role": "who"}] if good else []}]
    return row("EE", [{"event_type": "leave", "trigger": True, "arguments": ["who", "whence"]}], f"{word} {who} here",
               gold, Facts(events=(told,)))


def dev_file(folder: Path, rows: list[dict[str, Any]]) -> str:
    write_rows(folder / "dev.json", rows)
    return str(folder / "dev.json")


def test_chances_and_thresholds_of_a_dev_file(tmp_path: Path) -> None:
    rng = random.Random(0)
    # The model is too sure of itself: half of what it says.
    rows = [entities(n, rng, lambda c: c / 2 if c < 0.9 else 0.97) for n in range(250)]
    file = dev_file(tmp_path, rows)
    target, page = tmp_path / "out/calibration.json", tmp_path / "page.html"
    summary = calibrate(CalibrateConfig(input_file=file, output_file=str(target), page=str(page)))
    assert (summary.documents, summary.facts, summary.without_confidence) == (250, 1000, 0)
    assert summary.gold == summary.right + 250
    kinds = {k.name: k.fit for k in summary.kinds}
    assert set(kinds) == {"NER/entity", "*/*"}
    fit = kinds["NER/entity"]
    assert fit.error_before.value > 0.15 and fit.error_after.value < 0.06
    known = read_calibration(str(target))
    assert known.fits["NER/entity"] == fit
    threshold = known.threshold(0.9, "NER")
    fresh = random.Random(1)
    kept = right = 0
    for n in range(300):
        new = entities(n, fresh, lambda c: c / 2 if c < 0.9 else 0.97)
        facts = above(apply_calibration(msgspec.convert(new["facts"], Facts), known, "NER"), threshold)
        gold = {g["entity"] for g in json.loads(new["label"])}
        kept += len(facts.entities)
        right += sum(e.span.text in gold for e in facts.entities)
    assert kept > 80 and right / kept > 0.87
    html = page.read_text("utf-8")
    assert "<svg" not in html and '"NER/entity"' in html and "http://" not in html.replace("http://www.w3.org", "")


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    rng = random.Random(3)
    file = dev_file(tmp_path, [entities(n, rng, lambda c: c) for n in range(60)])
    for name in ("a.json", "b.json"):
        calibrate(CalibrateConfig(input_file=file, output_file=str(tmp_path / name), seed=5))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_kinds_and_tasks_by_themselves_and_together(tmp_path: Path) -> None:
    rng = random.Random(0)
    file = dev_file(tmp_path, [event(n, rng) for n in range(120)] + [entities(n, rng, lambda c: c) for n in range(2)])
    summary = calibrate(CalibrateConfig(input_file=file, output_file=str(tmp_path / "c.json")))
    assert [k.name for k in summary.kinds] == ["EE/event", "EE/argument", "*/*"]
    assert summary.too_few == {"NER/entity": 8} and set(summary.targets) == {"EE", "*"}
    known = read_calibration(str(tmp_path / "c.json"))
    told = Event("leave", Span("x"), (Argument("who", Span("y"), 0.9), Argument("who", Span("z"), 0.5)), 0.9)
    facts = apply_calibration(Facts(events=(told,)), known, "EE")
    trigger, who, whence = facts.events[0].confidence, *(a.confidence for a in facts.events[0].arguments)
    assert trigger and abs(trigger - 0.9) < 0.06 and who and who > 0.5 and whence is not None and whence < 0.25
    assert apply_calibration(Facts((Entity("p", Span("x"), 0.5),)), known, "NER").entities[0].confidence is not None
    one = calibrate(CalibrateConfig(input_file=file, output_file=str(tmp_path / "d.json"), task="EE"))
    assert one.documents == 120 and one.too_few == {}


def test_a_fact_stated_in_two_places_counts_once(tmp_path: Path) -> None:
    facts = Facts((Entity("person", Span("Ada", 0, 3), 0.5), Entity("person", Span("Ada", 8, 11), 0.75),
                   Entity("person", Span("Bob", 4, 7), 0.25)))
    rows = [row("NER", ["person"], f"Ada Bob Ada {n}", [{"entity": "Ada", "entity_type": "person"}], facts)
            for n in range(30)]
    summary = calibrate(CalibrateConfig(input_file=dev_file(tmp_path, rows), output_file=str(tmp_path / "c.json")))
    assert (summary.facts, summary.right, summary.gold) == (60, 30, 30)
    assert [told for told, _, _ in summary.kinds[0].before] == [0.25, 0.75]


def test_relations_and_support_alone(tmp_path: Path) -> None:
    rows = []
    for n in range(60):
        good, bad = (Relation("met", Span("Ada"), Span(f"B{n}{w}"), support=s) for w, s in (("g", 1.0), ("b", 0.5)))
        rows.append(row("RE", ["met"], f"Ada B{n}g B{n}b", [{"head": "Ada", "relation": "met", "tail": f"B{n}g"}],
                        Facts(relations=(good, bad))))
    summary = calibrate(CalibrateConfig(input_file=dev_file(tmp_path, rows), output_file=str(tmp_path / "c.json")))
    assert summary.without_confidence == 120 and summary.kinds[0].before == []
    known = read_calibration(str(tmp_path / "c.json"))
    (relation,) = above(apply_calibration(Facts(relations=(
        Relation("met", Span("x"), Span("y"), support=1.0), Relation("met", Span("x"), Span("z"), support=0.5))),
        known, "RE"), known.threshold(0.9, "RE")).relations
    assert relation.tail.text == "y" and any("without confidence" in r[0] for r in tables(summary)[-1][2])


@pytest.mark.parametrize(("change", "problem"), [
    ({"label": None}, "no row has a `label`"), ({"facts": {}}, "no row has `facts`"),
    ({"facts": {"entities": [{"type": "person", "span": {"text": "x"}}]}}, "no fact has a confidence or support"),
])
def test_files_that_tell_nothing(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    rng = random.Random(0)
    file = dev_file(tmp_path, [entities(n, rng, lambda c: c) | change for n in range(20)])
    with pytest.raises(InputError, match=problem):
        calibrate(CalibrateConfig(input_file=file, output_file=str(tmp_path / "c.json")))
    assert not (tmp_path / "c.json").exists()


def test_too_few_facts(tmp_path: Path) -> None:
    rng = random.Random(0)
    file = dev_file(tmp_path, [entities(n, rng, lambda c: c) for n in range(5)])
    with pytest.raises(InputError, match="tell too little"):
        calibrate(CalibrateConfig(input_file=file, output_file=str(tmp_path / "c.json")))


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(0)
    file = dev_file(tmp_path, [entities(n, rng, lambda c: c * c) for n in range(100)])
    with Path(file).open("a") as f:
        f.write("no JSON\n")
    target = str(tmp_path / "c.json")
    assert main(["calibrate", "--input_file", file, "--output-file", target]) == 0
    shown = capsys.readouterr().out
    assert "100 documents, 400 facts" in shown and "NER/entity" in shown and "unreadable rows" in shown
    assert "not reached" in shown and target in shown
    assert main(["calibrate", "--input_file", file, "--output_file", target]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["calibrate", "--input_file", file, "--output_file", target, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kinds"][0]["name"] == "NER/entity"
    assert main(["calibrate", "--input_file", file, "--output_file", file, "--overwrite"]) == 2
    assert main(["calibrate", "--output_file", target]) == 2
