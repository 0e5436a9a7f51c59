"""`--protocol iepile` and `deepke`: every recorded run of the references, number for number and byte for byte."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.evaluation.protocols import answers as protocol_answers
from iepile.evaluation.protocols.protocol import reference_path, reference_result
from iepile.evaluation.score import EvaluateConfig, evaluate

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[4] / "shared"))
GOLDEN = SHARED / "golden" / "eval"
pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason=f"needs {GOLDEN}")
TEXT = st.sampled_from(["a", "b", "甲", 'q"', "\\", "\ud800", "", "NAN"]) | st.text(max_size=3)
NUMBER = st.integers() | st.floats() | st.booleans() | st.none()
VALUE = TEXT | NUMBER | st.dictionaries(TEXT, st.integers(), max_size=1)


def answers() -> st.SearchStrategy[str]:
    """Answers as models write them, and bent ones."""
    whole = st.dictionaries(TEXT, st.lists(VALUE, max_size=4) | VALUE, max_size=3)
    texts = st.builds(json.dumps, whole | st.lists(TEXT, max_size=1), ensure_ascii=st.booleans())
    bent = (lambda t: t[:-1], lambda t: f" {t}\n", lambda t: f"\ufeff{t}", lambda t: t.replace("a", "\x01"))
    return texts | TEXT | st.builds(lambda text, bend: bend(text), texts, st.sampled_from(bent))


def labels() -> st.SearchStrategy[str]:
    """Labels with entities whose type is a text."""
    entity = st.fixed_dictionaries({"entity": TEXT, "entity_type": TEXT}, optional={"offset": st.lists(st.integers())})
    return st.lists(entity, max_size=4).map(json.dumps)


RUN = re.compile(r"## \[(\w+)\] python \S+ --path1 (\S+) --task (\w+) ?(.*) -> rc=(\d)\n(.*)")


def runs() -> list[Any]:
    """Of each run: configuration, name of what it wrote, and the dict it printed or the error that ended it."""
    found = []
    for protocol, file, task, flags, rc, said in RUN.findall((GOLDEN / "RUNS.txt").read_text("utf-8")):
        words = flags.replace("--", "").split(" ")
        name = f"{file.removesuffix('.json')}.{protocol}.{task}_{'_'.join(words)}"
        options = dict(zip(words[::2], words[1::2], strict=False))
        config = EvaluateConfig(protocol=protocol, path1=file, task=task, **options)
        found.append(pytest.param(config, name, said if rc == "1" else ast.literal_eval(said), id=name))
    return found


def test_all_runs_are_there() -> None:
    assert len(runs()) == (GOLDEN / "RUNS.txt").read_text("utf-8").count("## [") == 62


@pytest.mark.parametrize(("config", "name", "said"), runs())
def test_as_the_reference(config: EvaluateConfig, name: str, said: Any, tmp_path: Path) -> None:
    shutil.copy(GOLDEN / config.path1, tmp_path)
    here = replace(config, path1=str(tmp_path / config.path1))
    if isinstance(said, str):
        with pytest.raises(InputError) as e:
            evaluate(here)
        if e.value.line:
            assert f"the reference cannot score this row ({said.partition(':')[0]}: " in str(e.value)
        else:
            assert e.value.field in ("task", "sort_by", "metrics_list")
        assert not reference_path(here.path1).exists()
        return
    report = evaluate(here)
    assert str(report.printed) == str(said)  # the order of the keys too
    assert reference_path(here.path1).read_bytes() == (GOLDEN / "expected" / f"{name}.json").read_bytes()
    assert report.notes == []


def test_what_stops_a_run_is_a_row_or_a_setting() -> None:
    ended = {p.values[1] for p in runs() if isinstance(p.values[2], str)}
    settings = {name for name in ended if re.search("EET|SPO|MRC|task$|rouge", name)}
    assert len(settings) == 7 and len(ended - settings) == 10
    for config, name, _ in (p.values for p in runs() if p.values[1] in ended - settings):
        with pytest.raises(InputError) as e:
            evaluate(replace(config, path1=str(GOLDEN / config.path1)))
        assert e.value.line, name


def rows_file(folder: Path, *rows: dict[str, Any]) -> str:
    path = folder / "pred.json"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    return str(path)


def test_rows_of_a_text_that_stand_apart_are_one_text(tmp_path: Path) -> None:
    def row(n: int, source: str | None, label: str, output: str) -> dict[str, Any]:
        return {"id": f"t{n}", "source": source, "label": label, "output": output}

    gold = '[{"entity": "a", "entity_type": "X"}, {"entity": "b", "entity_type": "Y"}]'
    said = ((gold, '{"X": ["a"]}'), ("[]", '{"Y": ["b", "c"]}'), ("[]", "{"))
    parts = [[row(n, source, *s) for s in said] for n in range(40) for source in ("s", None)]
    together = rows_file(tmp_path, *(r for text in parts for r in text))
    config = EvaluateConfig(path1=together, task="NER", protocol="iepile", sort_by="source")
    expected = reference_result(config)
    assert expected["total"] == {"总样本数": 80, "错误数": 80, "P": 66.67, "R": 100.0, "F1": 80.0}
    assert list(expected) == ["total", "None", "s"] and expected["s"]["总样本数"] == 40
    apart = [text[k] for k in range(3) for text in (parts if k % 2 == 0 else parts[::-1])]
    rows_file(tmp_path, *apart)
    assert reference_result(config) == expected


ROW = st.tuples(st.sampled_from("abc"), st.sampled_from(["s", "", None, 1]), answers(), labels())


@pytest.mark.parametrize("distinct", [False, True])
@given(rows=st.lists(ROW, min_size=1))
@settings(max_examples=80, deadline=None)
def test_the_fast_reading_counts_as_a_plain_one(
    rows: list[tuple[str, Any, str, str]], distinct: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    written = ({"id": i, "source": s, "output": o, "label": g} for i, s, o, g in rows)
    path = rows_file(tmp_path_factory.mktemp("rows"), *written)
    texts: dict[str, tuple[str, list[str]]] = {}
    for i, source, output, label in rows:
        texts.setdefault(str(source) + i, (label, []))[1].append(output)
    tp = pred = gold = errors = 0
    for label, outputs in texts.values():
        found = []
        for output in outputs:
            try:
                answer = json.loads(output)
            except json.JSONDecodeError:
                answer = None
            if not isinstance(answer, dict):
                errors += 1
                continue
            found += [(v, k) for k, vs in answer.items() if isinstance(vs, list) for v in vs if isinstance(v, str)]
        facts = [(e["entity"], e["entity_type"]) for e in json.loads(label)]
        if distinct:
            found, facts = list(set(found)), list(set(facts))
        pred, gold = pred + len(found), gold + len(facts)
        for fact in found:
            if fact in facts:
                facts.remove(fact)
                tp += 1
    mode = "set" if distinct else "normal"
    report = evaluate(EvaluateConfig(path1=path, task="NER", protocol="iepile", match_mode=mode))
    score = report.score("NER", "entity")
    assert (score.tp, score.pred, score.gold) == (tp, pred, gold)
    assert (report.counts.records, report.counts.invalid) == (len(texts), errors)


NESTED = st.recursive(VALUE, lambda v: st.lists(v, max_size=3) | st.dictionaries(
    st.sampled_from(["subject", "object", "head", "tail", "trigger", "arguments", "r"]) | TEXT, v, max_size=3))
USUAL = st.dictionaries(TEXT, st.lists(st.fixed_dictionaries({}, optional={
    "subject": TEXT, "object": TEXT, "head": TEXT, "tail": TEXT, "trigger": TEXT,
    "arguments": st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=2), max_size=2)}), max_size=3), max_size=3)
SAID = st.builds(json.dumps, USUAL | st.dictionaries(TEXT, NESTED, max_size=3), ensure_ascii=st.booleans())


@pytest.mark.parametrize(("task", "protocol"), [
    ("NER", "iepile"), ("RE", "iepile"), ("RE", "deepke"), ("EE", "iepile"), ("EEA", "deepke")])
@given(said=SAID)
@settings(max_examples=200, deadline=None)
def test_answers_decoded_with_their_type_are_those_decoded_without(task: str, protocol: str, said: str) -> None:
    read = protocol_answers.rules(task, protocol).answer  # type: ignore[union-attr]

    def outcome() -> Any:
        try:
            return repr(read(said))
        except AttributeError as e:
            return type(e)

    fast = outcome()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_read_entities", "_read_subject_object", "_read_head_tail", "_read_events"):
            patch.setattr(protocol_answers, name, refuse)
        assert outcome() == fast


def refuse(text: str) -> Any:
    raise msgspec.DecodeError(text)


def test_predictions_where_nothing_can_be_written_are_scored(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "ner_mixed.json", tmp_path)
    (tmp_path / "output_msg").write_text("a file in the way")
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "ner_mixed.json"), task="NER", protocol="iepile"))
    assert report.printed["total"]["F1"] == 52.94
    assert len(report.notes) == 1 and "output_msg" in report.notes[0].problem


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    row = {"source": "s", "instruction": "x" * 1000, "label": "[]", "output": '{"X": ["a"]}'}
    peaks = []
    for texts in (2_000, 8_000):
        path = rows_file(tmp_path, *({"id": f"{n:064x}", **row} for n in range(texts)))
        tracemalloc.start()
        evaluate(EvaluateConfig(path1=path, task="NER", protocol="iepile"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 6_000 * 16  # a number for each text, and what lists keep in hand


@pytest.mark.parametrize("options", [
    {"protocol": "other", "task": "NER"}, {"protocol": "iepile"},
    {"protocol": "iepile", "task": "NER", "match": "offset"},
    {"protocol": "iepile", "task": "NER", "sort_by": "label"},
    {"protocol": "iepile", "task": "NER", "draws": 100}, {"protocol": "iepile", "task": "NER", "report": "page.html"},
    {"protocol": "iepile", "task": "NER", "gold_path": str(GOLDEN / "ner_mixed.json")},
    {"protocol": "deepke", "task": "NER", "metrics_list": "F1"},
])
def test_settings_that_do_not_go_together(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        evaluate(EvaluateConfig(path1=str(GOLDEN / "ner_mixed.json"), **options))
