"""Recipes: what is finished stays, what changed runs again, and a killed run ends as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.recipe import VERBS, Job, RunConfig, RunSummary, run

RECIPE = """
output: out
variables: {n: 3, split_num: 2, seed: 0}
stages:
  documents:
    verb: generate
    for: {split: [train, test]}
    with: {n: "{n}", seed: "{seed}", split: "{split}", tgt_path: "{out}/{split}.jsonl",
           schema_path: "{out}/{split}.schema.json"}
  convert:
    with: {src_path: "{out}/train.jsonl", schema_path: "{out}/train.schema.json", split_num: "{split_num}",
           tgt_path: "{out}/rows.json"}
  kg:
    with: {input_file: "{out}/test.jsonl", output_file: "{out}/graph.jsonl"}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(RECIPE, "utf-8")
    return tmp_path


def go(recipe: str = "r.yaml", *variables: str, until: str | None = None) -> RunSummary:
    return run(RunConfig(recipe=recipe, set=list(variables), until=until))


def ran(summary: RunSummary) -> list[str]:
    """Names of the jobs that were not kept."""
    return [j.name for j in summary.jobs if not j.kept]


def contents(folder: str = "out") -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(Path(folder).iterdir()) if p.is_file()}


ALL = ["documents 1/2", "documents 2/2", "convert", "kg"]


def test_every_job_runs_once() -> None:
    first = go()
    assert ran(first) == ALL
    before = contents()
    assert sorted(before) == ["graph.jsonl", "rows.json", "test.jsonl", "test.schema.json", "train.jsonl",
                              "train.schema.json"]
    again = go()
    assert ran(again) == []
    assert contents() == before
    assert [j.result for j in again.jobs] == [j.result for j in first.jobs]


def test_events() -> None:
    seen: list[tuple[str, str]] = []

    def note(job: Job, what: str) -> None:
        seen.append((job.name, what))

    run(RunConfig(recipe="r.yaml", until="documents"), note)
    run(RunConfig(recipe="r.yaml", until="convert"), note)
    assert seen == [("documents 1/2", "start"), ("documents 1/2", "done"), ("documents 2/2", "start"),
                    ("documents 2/2", "done"), ("documents 1/2", "kept"), ("documents 2/2", "kept"),
                    ("convert", "start"), ("convert", "done")]


def test_a_changed_setting_runs_from_there_on() -> None:
    go()
    assert ran(go("r.yaml", "split_num=3")) == ["convert"]
    assert ran(go("r.yaml", "split_num=3")) == []
    assert ran(go("r.yaml", "n=4", "split_num=3")) == ALL


def test_a_changed_input_runs_what_reads_it() -> None:
    Path("mine.jsonl").write_text('{"text": "甲", "entity": []}\n', "utf-8")
    Path("s.json").write_text('["人物"]\n[]\n{}\n', "utf-8")
    Path("c.yaml").write_text(
        'output: out\nstages:\n  convert:\n    with: {src_path: mine.jsonl, schema_path: s.json, tgt_path: "{out}/a"}\n'
        '  unzip:\n    verb: import\n    with: {src_path: mine.jsonl, format: unified, tgt_path: "{out}/b"}\n', "utf-8")
    assert ran(go("c.yaml")) == ["convert", "unzip"]
    Path("s.json").write_text('["人物", "地点"]\n[]\n{}\n', "utf-8")
    assert ran(go("c.yaml")) == ["convert"]
    Path("mine.jsonl").write_text('{"text": "乙", "entity": []}\n', "utf-8")
    assert ran(go("c.yaml")) == ["convert", "unzip"]
    stat = Path("mine.jsonl").stat()
    os.utime("mine.jsonl", ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    assert ran(go("c.yaml")) == []  # the content counts, not the date


@pytest.mark.parametrize("torn", [b"", b'{"key": "', b"[]", b'{"key": "x"}', b"\xff\xfe"])
def test_a_torn_stamp_runs_its_job_again(torn: bytes) -> None:
    go()
    before = contents()
    (stamp,) = Path("out/.stages").glob("convert-*.json")
    stamp.write_bytes(torn)
    assert ran(go()) == ["convert"]
    assert contents() == before


def test_a_deleted_output_is_made_again() -> None:
    go()
    before = contents()
    Path("out/rows.json").unlink()
    assert ran(go()) == ["convert"]
    Path("out/test.jsonl").unlink()
    # What is made again is the same, so that nothing after it has to run.
    assert ran(go()) == ["documents 2/2"]
    assert contents() == before


def test_a_damaged_output_is_made_again() -> None:
    go()
    before = contents()
    with Path("out/graph.jsonl").open("ab") as f:
        f.write(b"oops")
    assert ran(go()) == ["kg"]
    assert contents() == before


def test_until() -> None:
    assert ran(go(until="documents")) == ALL[:2]
    assert not Path("out/rows.json").exists()
    assert ran(go(until="convert")) == ["convert"]
    assert ran(go()) == ["kg"]
    with pytest.raises(InputError, match="no stage 'evaluate'") as info:
        go(until="evaluate")
    assert info.value.expected == "documents, convert, kg"


def test_another_output_folder() -> None:
    go()
    assert ran(run(RunConfig(recipe="r.yaml", output="other"))) == ALL
    assert contents("other") == contents()


def test_a_failing_stage_leaves_what_was_done() -> None:
    text = RECIPE.replace("{out}/train.jsonl\", schema", "{out}/nothing.jsonl\", schema")
    Path("r.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"nothing\.jsonl"):
        go()
    Path("r.yaml").write_text(RECIPE, "utf-8")
    assert ran(go()) == ["convert", "kg"]


def edited(old: str, new: str) -> Callable[[], RunSummary]:
    assert old in RECIPE
    Path("r.yaml").write_text(RECIPE.replace(old, new), "utf-8")
    return go


def test_an_unknown_verb_is_found_before_anything_runs() -> None:
    with pytest.raises(InputError, match="unknown verb 'graph'") as info:
        edited("  kg:", "  graph:")()
    assert info.value.expected == ", ".join(VERBS)
    assert not Path("out").exists()


def test_an_unknown_setting_gets_the_nearest_name() -> None:
    with pytest.raises(InputError, match="kg has no setting 'output'") as info:
        edited("output_file:", "output:")()
    assert info.value.fix == "did you mean output_file?"
    assert not Path("out").exists()


def test_a_missing_or_ill_typed_setting() -> None:
    with pytest.raises(InputError, match=r"'convert'.*tgt_path"):
        edited(',\n           tgt_path: "{out}/rows.json"', "")()
    with pytest.raises(InputError, match=r"'convert'.*int"):
        edited('"{split_num}"', "six")()


def test_an_unknown_variable() -> None:
    with pytest.raises(InputError, match="'m=3' sets no variable") as info:
        go("r.yaml", "m=3")
    assert "n, split_num, seed" in str(info.value.expected)
    with pytest.raises(InputError, match="'n' sets no variable"):
        go("r.yaml", "n")


@pytest.mark.parametrize(("text", "says"), [
    ("- a\n", "not a recipe"), ("output: out\n", "not a recipe"),
    ("stages: {a: {verb: kg}}\nsteps: 1\n", "not a recipe"),
    ("output: out\nstages: {a: {verb: kg, settings: {}}}\n", "stage 'a' cannot be read"),
    ("output: out\nstages: {a: kg}\n", "stage 'a' cannot be read"),
    ("stages: {kg: {}}\n", "no output folder"), ("stages: [\n", "cannot be read"),
])
def test_what_is_no_recipe(text: str, says: str) -> None:
    Path("r.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError, match=says):
        go()


def test_no_such_recipe() -> None:
    with pytest.raises(InputError, match="no such recipe"):
        go("nowhere.yaml")


def test_the_examples_are_recipes() -> None:
    """Every shipped recipe is checked to its last setting; the data are only looked for when it runs."""
    from iepile.recipe import _jobs, _settings, read_recipe

    folder = Path(__file__).parents[1]
    found = [*(folder / "examples").glob("*.yaml"), *(folder / "src/iepile/recipes").glob("*.yaml")]
    assert len(found) >= 4
    for path in found:
        config = RunConfig(recipe=str(path), output="out")
        jobs = list(_jobs(read_recipe(config), config))
        assert jobs and all(_settings(j, config.recipe) for j in jobs)


TRAIN = """
output: out
stages:
  documents:
    verb: generate
    with: {n: 40, tgt_path: "{out}/train.jsonl", schema_path: "{out}/schema.json"}
  convert:
    with: {src_path: "{out}/train.jsonl", schema_path: "{out}/schema.json", positions: true,
           tgt_path: "{out}/rows.json"}
  train:
    with: {train_file: ["{out}/rows.json"], output_dir: "{out}/train", max_steps: 60, checkpoint_steps: 4, threads: 1,
           warmup_steps: 5, model: {hidden_size: 32, buckets: 4096, embedding_size: 32}}
"""


@pytest.mark.slow
def test_a_run_killed_while_training_ends_with_the_same_model() -> None:
    Path("t.yaml").write_text(TRAIN, "utf-8")
    command = [sys.executable, "-m", "iepile", "run", "t.yaml"]
    subprocess.run([*command, "--output", "whole"], check=True, capture_output=True)
    process = subprocess.Popen([*command, "--output", "killed"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    give_up = time.monotonic() + 120
    while not any(Path("killed/train").glob("checkpoint-*[0-9]")) and time.monotonic() < give_up:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert process.stderr is not None
    process.stderr.close()
    assert not Path("killed/train/model").exists()
    done = subprocess.run([*command, "--output", "killed"], check=True, capture_output=True, text=True)
    assert "documents: kept" in done.stderr and "convert: kept" in done.stderr
    assert "resumed from" in done.stdout
    models = [{p.name: p.read_bytes() for p in sorted(Path(f, "train/model").iterdir())} for f in ("whole", "killed")]
    assert models[0] == models[1] and "model.safetensors" in models[0]
