"""Training of baselines from rows: what is read of them, what is counted, the same bytes always, what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from baseline_rows import generated
from iepile.cli.main import main
from iepile.errors import InputError, MissingDependency
from iepile.jsonl import read_rows, write_rows
from iepile.models.baselines.tagging import BORDERS, NESTED
from iepile.training.baselines import CrfJob, DictionaryJob, train_baseline
from iepile.training.labelled_rows import ABSENT, read_labelled

pytest.importorskip("pycrfsuite")
TASKS = ("NER", "RE", "SPO", "KG", "EE", "EET", "EEA")


def row(text: str, task: str, schema: Any, output: Any = None, **more: Any) -> dict[str, Any]:
    made = {"task": task, "instruction": json.dumps({"instruction": "x", "schema": schema, "input": text}), **more}
    return made if output is None else made | {"output": json.dumps(output)}


def labelled(tmp_path: Path, *rows: dict[str, Any]) -> tuple[list[Any], Counter[str]]:
    write_rows(tmp_path / "rows.jsonl", rows)
    lost: Counter[str] = Counter()
    return read_labelled([tmp_path / "rows.jsonl"], TASKS, lost), +lost


def places(x: Any) -> list[tuple[str, tuple[int, int]]]:
    return [(e.type, e.span.offsets) for e in x.facts.entities]


def test_rows_of_a_text_are_one_and_words_are_looked_for_as_whole_tokens(tmp_path: Path) -> None:
    text = "Ada met Adam, then Ada left."
    (x, y), lost = labelled(
        tmp_path, row(text, "NER", ["person"], {"person": ["Ada", "Eve"]}),
        row("Adam.", "NER", ["person"], {"person": ["Ada"]}),
        row(text, "RE", ["met"], {"met": [{"subject": "Ada", "object": "Adam"}]}),
    )
    assert places(x) == [("person", (0, 3)), ("person", (19, 22))]
    assert [(r.head.offsets, r.tail.offsets) for r in x.facts.relations] == [((0, 3), (8, 12))]
    assert x.asked == {("entity", "person"), ("relation", "met", "", "")}
    assert places(y) == [("person", (0, 3))]  # nowhere else
    assert lost == {ABSENT: 1}


def test_a_label_goes_before_facts_and_facts_before_the_answer(tmp_path: Path) -> None:
    text = "Ada saw Ada."
    facts = {"entities": [{"type": "person", "span": {"text": "Ada", "start": 8, "end": 11}}]}
    label = json.dumps([{"entity": "saw", "entity_type": "person", "pos": [4, 7]},
                        {"entity": "Ada", "entity_type": "city", "pos": [0, 3]}])
    rows = [row(text, "NER", ["person"], {"person": ["Ada"]}, source="a"),
            row(text, "NER", ["person"], {"person": ["saw"]}, source="b", facts=facts),
            row(text, "NER", ["person"], {"person": []}, source="c", facts=facts, label=label),
            row(text, "NER", ["person"], source="d", label=label)]
    found, _ = labelled(tmp_path, *rows)
    assert [places(x) for x in found] == [
        [("person", (0, 3)), ("person", (8, 11))], [("person", (8, 11))], [("person", (4, 7))], [("person", (4, 7))]]


def test_told_triggers_are_not_asked_and_types_belong_to_the_tasks_that_ask_them(tmp_path: Path) -> None:
    text = "Bolt bought Nuts."
    (x,), _ = labelled(
        tmp_path,
        row(text, "EEA", [{"event_type": "buy", "trigger": ["bought"], "arguments": ["buyer"]}],
            {"buy": [{"trigger": "bought", "arguments": {"buyer": "Bolt"}}]}),
        row(text, "SPO", [{"subject_type": "firm", "predicate": "owns", "object_type": "firm"}],
            {"owns": [{"subject": "Bolt", "object": "Nuts"}]}),
        row(text, "KG", [{"entity_type": "firm", "attributes": ["owns"]}], {"firm": {"Bolt": {"owns": "Nuts"}}}),
        row(text, "RE", ["owns"], {"owns": [{"subject": "Bolt", "object": "Nuts"}]}),
    )
    assert x.asked == {("argument", "buy", "buyer"), ("relation", "owns", "firm", "firm"),
                       ("relation", "owns", "firm", ""), ("relation", "owns", "", "")}
    assert [(r.head_type, r.tail_type) for r in x.facts.relations] == [(None, None), ("firm", None), ("firm", "firm")]
    (event,) = x.facts.events
    assert event.trigger.offsets == (5, 11) and event.arguments[0].span.offsets == (0, 4)


@pytest.mark.parametrize(("bad", "field"), [
    ({"task": "NER"}, "instruction"),
    (row("Ada.", "NER", ["person"]), "output"),
    (row("Ada.", "NER", ["person"], {"place": []}), "output"),
    (row("Ada.", "NER", ["person"], label="[{]"), "label"),
    (row("Ada.", "NER", ["person"], label='[{"entity": "Ada"}]'), "label"),
    (row("Ada.", "NER", ["person"], facts={"entities": 3}), "facts"),
    (row("Ada.", "NER", ["person"], facts={"entities": [
        {"type": "person", "span": {"text": "Ada", "start": 1, "end": 4}}]}), "facts"),
    (row("Ada.", "NER", [{"a": "b"}], {}), "schema"),
    (row("Ada.", "XYZ", ["person"], {}), "task"),
])
def test_a_bad_row_is_named(tmp_path: Path, bad: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as info:
        labelled(tmp_path, row("Bob.", "NER", ["person"], {"person": ["Bob"]}), bad)
    assert (info.value.line, info.value.field) == (2, field)
    assert info.value.file is not None


def test_what_cannot_be_learned_is_counted(tmp_path: Path) -> None:
    rows = [row("北京大学在北京", "NER", ["org", "place"], {"org": ["北京大学"], "place": ["北京", "Ada"]}),
            row("Adam", "NER", ["org", "place"], {"org": [], "place": ["Ada"]}),
            row("他在北京", "RE", ["x"], {"x": []}), row("他在北京", "RE", ["y"], {"y": []})]
    write_rows(tmp_path / "rows.jsonl", rows)
    done = train_baseline(CrfJob(train_file=[str(tmp_path / "rows.jsonl")], output_dir=str(tmp_path / "run")))
    assert done.left_out == {ABSENT: 1, BORDERS: 1, NESTED: 1, "row of RE": 2}
    assert (done.texts, done.labels) == (2, 2)


BYTES = """
import sys
from iepile.cli.main import main
sys.exit(main(["train", "--finetuning_type", sys.argv[1], "--train_file", sys.argv[2], "--output_dir", sys.argv[3]]))
"""


@pytest.mark.parametrize("kind", ["crf", "dictionary"])
def test_the_same_bytes_whatever_the_hash_seed(tmp_path: Path, kind: str) -> None:
    rows = generated(tmp_path, "zh", "NER" if kind == "crf" else "NER,RE,EE", n=60)
    found = []
    for seed in ("0", "1", "77"):
        out = tmp_path / seed
        subprocess.run([sys.executable, "-c", BYTES, kind, str(rows), str(out)], check=True, capture_output=True,
                       env={**os.environ, "PYTHONHASHSEED": seed})
        found.append({p.name: p.read_bytes() for p in (out / "model").iterdir()})
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 2


def test_the_order_of_rows_changes_no_dictionary(tmp_path: Path) -> None:
    rows = [r for _, r in read_rows(generated(tmp_path, "en", "NER,RE,EE", n=60))]
    found = []
    for name, some in (("a", rows), ("b", rows[::-1])):
        write_rows(tmp_path / f"{name}.jsonl", some)
        train_baseline(DictionaryJob(train_file=[str(tmp_path / f"{name}.jsonl")], output_dir=str(tmp_path / name)))
        found.append((tmp_path / name / "model/dictionary.json").read_bytes())
    assert found[0] == found[1]


def test_several_files_and_a_bound_on_tokens(tmp_path: Path) -> None:
    files = [str(generated(tmp_path, "en", "NER", start=start, n=40)) for start in (0, 1000)]
    whole = train_baseline(CrfJob(train_file=files, output_dir=str(tmp_path / "a"), max_iterations=5))
    part = train_baseline(CrfJob(train_file=files, output_dir=str(tmp_path / "b"), max_iterations=5, max_tokens=500))
    assert whole.texts == part.texts == 80 and "text beyond max_tokens" not in whole.left_out
    assert 50 < part.left_out["text beyond max_tokens"] < 80
    sizes = [(tmp_path / run / "model/model.crfsuite").stat().st_size for run in "ab"]
    assert sizes[0] > sizes[1]


def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = str(generated(tmp_path, "en", "NER", n=20))
    other = str(generated(tmp_path, "en", "RE", n=20))
    job = {"train_file": [rows], "output_dir": str(tmp_path / "run")}
    with pytest.raises(InputError, match=r"nothing to learn.*left out: row of RE 40") as info:
        train_baseline(CrfJob(train_file=[other], output_dir=str(tmp_path / "none")))
    assert info.value.expected == "rows of NER"
    with pytest.raises(InputError, match="would train for about") as info:
        train_baseline(CrfJob(**job, max_minutes=1e-6))
    assert info.value.field == "max_minutes" and not (tmp_path / "run/model").exists()
    train_baseline(CrfJob(**job, max_iterations=2, overwrite_output_dir=True))
    with pytest.raises(InputError, match="not empty") as info:
        train_baseline(DictionaryJob(**job))
    assert info.value.field == "output_dir"
    train_baseline(DictionaryJob(**job, overwrite_output_dir=True))
    assert sorted(p.name for p in (tmp_path / "run/model").iterdir()) == ["config.json", "dictionary.json"]
    monkeypatch.setitem(sys.modules, "pycrfsuite", None)
    with pytest.raises(MissingDependency, match=r"python-crfsuite, which is not installed\n.*iepile\[baselines\]"):
        train_baseline(CrfJob(train_file=[rows], output_dir=str(tmp_path / "without")))


def test_the_command_line_takes_them_by_finetuning_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = str(generated(tmp_path, "en", "NER", n=20))
    for n, flag in enumerate((["--finetuning_type", "crf", "--max-iterations", "3"], ["--finetuning-type=dictionary"])):
        out = tmp_path / str(n)
        files = ["--train_file", rows, "--train_file", rows]
        assert main(["train", *flag, *files, "--output_dir", str(out), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["model"] == str(out / "model") and said["texts"] == 20
        assert json.loads((out / "model/config.json").read_bytes())["kind"] == ("crf", "dictionary")[n]
    assert main(["train", "--finetuning_type", "crf", "--train_file", rows, "--output_dir", str(tmp_path / "0")]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main(["train", "--finetuning_type", "crf", "--lora_r", "8"]) == 2
