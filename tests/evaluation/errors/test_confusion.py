"""Errors counted: the matrix of labels, what F1 would be without a class, and the rows that are written."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.evaluation.errors.confusion import confusion
from iepile.evaluation.errors.effects import ErrorTally, error_report
from iepile.evaluation.errors.errors import errors_of
from iepile.evaluation.errors.rows import GOLD_FACTS, ErrorRow, error_rows
from iepile.evaluation.pairing import pairs
from iepile.evaluation.report import Score
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.records import Facts
from iepile.tasks.matching import MATCHES, Match
from judged_texts import FACTS, TASKS, entity, judged_facts, text_of
from made_predictions import write_predictions
from mutated_predictions import mutated


def test_a_matrix_by_hand() -> None:
    found = confusion("NER", "entity", Counter({("b", "b"): 3, ("a", "b"): 2, ("b", None): 1, (None, "c"): 4}))
    assert found.labels == ("a", "b", "c")
    assert found.counts == [[0, 2, 0, 0], [0, 3, 0, 1], [0, 0, 0, 0], [0, 0, 4, 0]]
    assert found.most(5) == [("a", "b", 2)]
    assert confusion("NER", "entity", Counter()).counts == [[0]]


@given(st.lists(st.tuples(FACTS, FACTS), min_size=1, max_size=3), st.sampled_from(TASKS), st.sampled_from(MATCHES),
       st.booleans())
def test_rows_and_columns_are_the_facts(
    texts: Sequence[tuple[Facts, Facts]], task: str, match: Match, distinct: bool
) -> None:
    tally = ErrorTally(match, distinct)
    rows, columns, right = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[str]()
    errors = 0
    for gold, answered in texts:
        text = judged_facts(task, gold, answered, match)
        errors += len(tally.add(text))
        for group in text.task.groups:
            a, g = text.keys(group, match, distinct)
            columns.update((group, label) for label, _ in a)
            rows.update((group, label) for label, _ in g)
            right[group] += sum(x is not None for x in pairs(a, g, match))
    for total, matrix in zip(tally.totals(), tally.confusions(), strict=True):
        assert total.score.tp == right[total.group]
        counts, none = matrix.counts, len(matrix.labels)
        by_row, by_column = Counter[str](), Counter[str]()
        for n, name in enumerate(matrix.labels):
            label = name.split("|")[0]  # arguments stand under their role as well
            by_row[label] += sum(counts[n])
            by_column[label] += sum(line[n] for line in counts)
        assert by_row == Counter({label: n for (group, label), n in rows.items() if group == total.group})
        assert by_column == Counter({label: n for (group, label), n in columns.items() if group == total.group})
        assert counts[none][none] == 0
    assert sum(c.count for c in tally.counts()) == errors == sum(t.errors for t in tally.totals())


@given(FACTS, FACTS, st.sampled_from(["NER", "RE", "EE"]), st.sampled_from(["string", "offset", "head"]))
def test_f1_if_fixed_is_that_of_the_mended_answers(gold: Facts, answered: Facts, task: str, match: Match) -> None:
    """Each class is really put right, and the mended lists are scored again."""
    text = judged_facts(task, gold, answered, match)
    tally = ErrorTally(match, distinct=False)
    errors = tally.add(text)
    scores = {t.group: t.score for t in tally.totals()}
    for count in tally.counts():
        answered_keys, gold_keys = text.keys(count.group, match, distinct=False)
        partner = pairs(answered_keys, gold_keys, match)
        mine = [e for e in errors if (e.group, e.kind) == (count.group, count.kind)]
        # The labels tell which keys are meant closely enough: any of that label that is wrong, or missed, will do.
        wrong = [a for a, g in zip(answered_keys, partner, strict=True) if g is None]
        missed = [g for n, g in enumerate(gold_keys) if n not in partner]
        mended = list(answered_keys)
        for e in mine:
            if e.answered is not None:
                mended.remove(_take(wrong, e.answered_label))
            if e.gold is not None:
                mended.append(_take(missed, e.label))
        tp = sum(g is not None for g in pairs(mended, gold_keys, match))
        assert count.f1_if_fixed == Score.of(tp, len(mended), len(gold_keys)).f1
        assert count.f1_if_fixed > scores[count.group].f1 or count.kind in (
            "duplicate", "extra label", "extra role", "spurious", "spurious event", "not in text")
        assert (count.pairs, count.wrong, count.missed) == (
            sum(e.gold is not None and e.answered is not None for e in mine),
            sum(e.gold is None for e in mine), sum(e.answered is None for e in mine))


def _take(keys: list[Any], label: str | None) -> Any:
    found = next(k for k in keys if k[0] == label)
    keys.remove(found)
    return found


def test_examples_and_figures_by_hand() -> None:
    gold = Facts((entity("person", "Ada Byron"), entity("person", "Bob"), entity("city", "New York City")))
    told = Facts((entity("person", "Ada"), entity("city", "Bob"), entity("city", "New York City"),
                  entity("city", "left")))
    tally = ErrorTally("string", distinct=False)
    tally.add(text_of("NER", gold, told))
    assert [(c.kind, c.count, round(c.f1_if_fixed, 2)) for c in tally.counts()] == [
        ("wrong label", 1, 57.14), ("boundary", 1, 57.14), ("spurious", 1, 33.33)]
    assert [(e.line, e.source, e.id) for e in tally.counts()[0].examples] == [(7, "made", "1")]
    matrix, = tally.confusions()
    assert matrix.labels == ("city", "person") and matrix.counts == [[1, 0, 0], [1, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("task", ["NER", "RE", "EE", "EET"])
def test_a_file_read_once(tmp_path: Path, task: str) -> None:
    path = write_predictions(tmp_path / "pred.json", task)
    report = error_report(str(path), export=str(tmp_path / "errors.jsonl"))
    scores = evaluate(EvaluateConfig(path1=str(path)))
    assert report.setting == scores.setting and report.rows == scores.counts
    assert len(report.counts) > 1 and report.totals
    for total in report.totals:
        assert total.score == scores.score(task, total.group)
    assert msgspec.json.decode(report.to_json(), type=type(report)) == report
    rows = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text("utf-8").splitlines()]
    kinds = Counter((r["group"], r["kind"]) for r in rows if r["kind"] != GOLD_FACTS)
    assert kinds == Counter({(c.group, c.kind): c.count for c in report.counts})
    for row in rows[:-1]:
        assert msgspec.convert(row, ErrorRow).task == task and row["text"] and row["line"] > 0
    assert rows[-1]["kind"] == GOLD_FACTS and rows[-1]["texts"] == report.rows.records
    before = (tmp_path / "errors.jsonl").read_bytes()
    error_report(str(path), export=str(tmp_path / "errors.jsonl"))
    assert (tmp_path / "errors.jsonl").read_bytes() == before


def test_a_label_that_is_mistaken_is_told_once() -> None:
    gold, told = Facts((entity("person", "Bob"),)), Facts((entity("city", "Bob"), entity("city", "BOB")))
    text = text_of("NER", gold, told)
    rows = list(error_rows(text, errors_of(text, "string", distinct=False)))
    assert len(rows) == 2 and [r.mistaken is not None for r in rows].count(True) == 1
    m = next(r.mistaken for r in rows if r.mistaken is not None)
    assert (m.label, m.same, m.within, m.present) == ("city", ("person",), (), ("person",))


def test_bad_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text('{"a": 1}\n', "utf-8")
    with pytest.raises(InputError, match="none of the 1 rows"):
        error_report(str(tmp_path / "none.json"), "NER", export=str(tmp_path / "e.jsonl"))
    assert not (tmp_path / "e.jsonl").exists()
    with pytest.raises(InputError, match=r"none\.json"):
        error_report(str(tmp_path / "none.json"), "NER", export=str(tmp_path / "none.json"))


@pytest.mark.parametrize("match", MATCHES)
def test_damaged_predictions_are_sorted_or_refused(tmp_path: Path, match: Match) -> None:
    rng, sorted_, path = random.Random(11), 0, tmp_path / "damaged.json"
    for _ in range(200):
        path.write_bytes(mutated(rng))
        try:
            report = error_report(str(path), match=match, export=str(tmp_path / "errors.jsonl"))
        except InputError:
            continue
        sorted_ += 1
        assert sum(c.count for c in report.counts) == sum(t.errors for t in report.totals)
    assert sorted_ > 100
