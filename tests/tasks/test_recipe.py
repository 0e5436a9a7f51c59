"""The steps in the docstring of `tasks/task.py`, followed on a copy of the package: one file, one prompt a
language, and the task can be listed, converted, parsed, scored."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import iepile

STEP_1 = '''
"""LEAD: words that begin an event. Question `"label"`, answer `{"label": ["word", ...]}`."""
from iepile.errors import InputError
from iepile.records import Event, Facts, Span
from iepile.tasks.matching import span_key
from iepile.tasks.mentions import first_seen
from iepile.tasks.shape import MENTIONS
from iepile.tasks.task import Answer, Item, Problem, Task, Triple


class LeadWords(Task):
    """Words that begin an event."""

    name, annotation, split_num, groups = "LEAD", "event", 4, ("lead",)

    def items(self, schema):
        return tuple(Item(e.name) for e in schema.events)

    def positives(self, facts):
        return {e.type: () for e in facts.events}

    def canonical(self, facts):
        kept = {}
        for e in facts.events:
            if e.trigger is not None:
                kept.setdefault((e.type, e.trigger.text), Event(e.type, e.trigger))
        return Facts(events=tuple(kept.values()))

    def question(self, item):
        return item.name

    def item(self, question):
        if not isinstance(question, str):
            raise InputError("no LEAD question", field="schema")
        return Item(question)

    def value(self, facts, item, text):
        words = [e.trigger.text for e in self.canonical(facts).events if e.type == item.name]
        return sorted(words, key=first_seen(text))

    def read_value(self, value, item):
        if not isinstance(value, list):
            return Answer(Facts(), (Problem("wrong form", item.name),))
        return Answer(Facts(events=tuple(Event(item.name, Span(v)) for v in value if isinstance(v, str))))

    def value_shape(self, item, fill):
        return MENTIONS

    def keys(self, facts, match="string"):
        return {"lead": [(e.type, (e.type, span_key(e.trigger, match))) for e in facts.events]}

    def triples(self, facts):
        return [Triple(e.trigger, "type", Span(e.type), "type") for e in facts.events]

    def label_rows(self, facts, positions=False):
        return [{"event_type": e.type, "event_trigger": e.trigger.text} for e in self.canonical(facts).events]

    def read_label_rows(self, rows):
        return Facts(events=tuple(Event(r["event_type"], Span(r["event_trigger"])) for r in rows))


TASK = LeadWords()
'''
STEP_2 = {"zh": 'LEAD = "请抽取引出事件的词。"\n', "en": 'LEAD = "Find the words that begin an event."\n'}
STEP_3 = """
import json, sys
from pathlib import Path
from iepile.corpus.convert import ConvertConfig, convert
from iepile.instruction import read_instruction
from iepile.jsonl import read_rows
from iepile.tasks import get_task, task_names
folder = Path(sys.argv[1])
task = get_task("lead")
for split in ("train", "test"):
    convert(ConvertConfig(src_path=str(folder / "d.json"), tgt_path=str(folder / split), task="LEAD", language="en",
                          schema_path=str(folder / "schema.yaml"), split=split))
[row] = [r for _, r in read_rows(folder / "train")]
[test] = [r for _, r in read_rows(folder / "test")]
items = task.read_items(read_instruction(row["instruction"]).schema)
read = task.parse(row["output"], items)
gold = task.read_label_rows(json.loads(test["label"]))
print(json.dumps({"names": task_names(), "row": row, "valid": read.valid, "keys": task.keys(read.facts),
                  "gold": task.keys(task.canonical(gold))}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the made-up task added as the recipe says."""
    root = tmp_path_factory.mktemp("recipe")
    copy = root / "iepile"
    shutil.copytree(Path(iepile.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tasks" / "lead.py").write_text(STEP_1, encoding="utf-8")
    for language, line in STEP_2.items():
        with (copy / "instructions" / "wording" / f"{language}.toml").open("a", encoding="utf-8") as f:
            f.write(line)
    return root


def python(package: Path, *args: str) -> str:
    # -P -S would lose the libraries; PYTHONPATH comes before an editable install.
    env = os.environ | {"PYTHONPATH": str(package)}
    return subprocess.run([sys.executable, *args], env=env, capture_output=True, text=True, check=True).stdout


def test_one_file_and_two_lines_make_a_task(package: Path, tmp_path: Path) -> None:
    (tmp_path / "schema.yaml").write_text("events: {fire: [], fall: []}")
    (tmp_path / "d.json").write_text(json.dumps({"text": "It burned. He fell and burned.", "event": [
        {"event_type": "fall", "event_trigger": "fell"}, {"event_type": "fire", "event_trigger": "burned"},
        {"event_type": "fire", "event_trigger": "burned"}, {"event_type": "fire", "event_trigger": ""}]}))
    got = json.loads(python(package, "-c", STEP_3, str(tmp_path)))
    assert "LEAD" in got["names"]
    assert got["valid"]
    assert json.loads(got["row"]["output"]) == {"fall": ["fell"], "fire": ["burned"]}
    assert json.loads(got["row"]["instruction"])["instruction"] == "Find the words that begin an event."
    want = sorted([["fall", ["fall", "fell"]], ["fire", ["fire", "burned"]]])
    assert sorted(got["keys"]["lead"]) == sorted(got["gold"]["lead"]) == want


def test_the_command_line_lists_and_converts_it(package: Path, tmp_path: Path) -> None:
    assert "LEAD" in python(package, "-m", "iepile", "tasks")
    (tmp_path / "schema.yaml").write_text("events: {fire: []}")
    (tmp_path / "d.json").write_text(json.dumps({"text": "burned", "event": []}))
    python(package, "-m", "iepile", "convert", "--task", "LEAD", "--src_path", str(tmp_path / "d.json"),
           "--tgt_path", str(tmp_path / "out.json"), "--schema_path", str(tmp_path / "schema.yaml"))
    assert json.loads((tmp_path / "out.json").read_text())["output"] == '{"fire": []}'
