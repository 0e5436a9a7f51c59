"""A whole build of the example corpus: what comes out, that it goes on after a kill, and equal bytes always."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iepile.corpus.build import BuildConfig, build
from iepile.corpus.plan import read_plan
from iepile.errors import InputError
from iepile.jsonl import read_rows

EXAMPLES = Path(__file__).parents[2] / "examples"
PLAN = EXAMPLES / "corpus/corpus.yaml"
SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))


def config(out: Path, **changes: object) -> BuildConfig:
    return BuildConfig(**{"corpus": str(PLAN), "root": str(EXAMPLES), "output": str(out), **changes})


def content(folder: Path) -> dict[str, bytes]:
    """All files but stamps, which hold times."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*"))
            if p.is_file() and ".stages" not in p.parts and not p.name.startswith(".")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    build(config(out))
    return out


def without_paths(files: dict[str, bytes], out: Path) -> dict[str, bytes]:
    return {name: data.replace(str(out).encode(), b"OUT") for name, data in files.items()}


def test_the_corpus_has_all_tasks_both_languages_and_its_reports(built: Path) -> None:
    rows = [row for _, row in read_rows(built / "train.jsonl")]
    assert {(r["task"], r["source"]) for r in rows} == {
        ("NER", "notices_zh"), ("NER", "staff_en"), ("RE", "staff_en"),
        ("EE", "events_zh"), ("EET", "events_zh"), ("EEA", "events_zh")}
    assert all(set(r) == {"task", "source", "instruction", "output"} for r in rows)
    tests = {p.name for p in (built / "test").iterdir()}
    assert {"handwritten_en.EE.jsonl", "notices_zh.NER.jsonl", "staff_en.RE.jsonl"} <= tests
    assert all("label" in row for _, row in read_rows(built / "test/handwritten_en.NER.jsonl"))
    hard = json.loads((built / "hard_negatives.json").read_text("utf-8"))
    assert list(hard) == ["NER", "RE", "EE", "EET", "EEA"] and set(hard["NER"]) == {"notices_zh", "staff_en"}
    assert json.loads((built / "statistics.json").read_text())["by"]["source"]
    assert "echarts" in (built / "statistics.html").read_text("utf-8")


def test_labels_are_named_and_raw_flaws_are_gone(built: Path) -> None:
    report = json.loads((built / "report.json").read_text("utf-8"))
    sets = {s["name"]: s for s in report["sets"]}
    assert sets["notices_zh"]["dropped"] == {"duplicate": 2, "few letters": 1, "leak: exact": 2}
    assert sets["events_zh"]["repairs"] == {"offset wrong, mention found elsewhere in the text": 5}
    assert sets["staff_en"]["dropped"]["duplicate"] >= 1
    train = [row for _, row in read_rows(built / "documents/notices_zh/train.jsonl")]
    types = {e["entity_type"] for row in train for e in row["entity"]}
    assert types == {"人物", "机构", "地点", "时间", "产品", "金额"}
    assert not any(c in "０１２３４５６７８９" for row in train for c in row["text"])
    others = (built / f"documents/notices_zh/{split}.jsonl" for split in ("dev", "test"))
    held_out = {row["text"] for file in others for _, row in read_rows(file)}
    assert not held_out & {row["text"] for row in train}


def test_few_questions_have_no_answer(built: Path) -> None:
    answers = [json.loads(row["output"]) for _, row in read_rows(built / "train.jsonl") if row["source"] == "staff_en"]
    empty = sum(not any(a.values()) for a in answers)
    assert 0 < empty <= 3.5 * (len(answers) - empty)


def test_finished_steps_are_kept_and_what_changed_is_done_again(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)  # stamps name the old folder: everything is done again, with equal bytes
    build(config(out))
    assert without_paths(content(out), out) == without_paths(content(built), built)
    steps: list[tuple[str, str]] = []
    build(config(out), lambda step, what: steps.append((step, what)))
    assert {what for _, what in steps} == {"kept"}
    (out / "documents/notices_zh/train.jsonl").write_text("")
    steps.clear()
    build(config(out), lambda step, what: steps.append((step, what)))
    again = {step for step, what in steps if what == "done"}
    assert "leaks" in again and not any(step.startswith("read") for step in again)
    assert without_paths(content(out), out) == without_paths(content(built), built)


@pytest.mark.parametrize("seed", ["1", "7"])
def test_bytes_do_not_depend_on_the_hash_seed(built: Path, tmp_path: Path, seed: str) -> None:
    run(tmp_path, PYTHONHASHSEED=seed)
    assert without_paths(content(tmp_path), tmp_path) == without_paths(content(built), built)


def test_bytes_do_not_depend_on_the_workers(built: Path, tmp_path: Path) -> None:
    build(config(tmp_path, workers=2))
    assert without_paths(content(tmp_path), tmp_path) == without_paths(content(built), built)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_bytes_do_not_depend_on_ray(built: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    build(config(tmp_path, ray="local", workers=2))
    assert without_paths(content(tmp_path), tmp_path) == without_paths(content(built), built)


def test_it_goes_on_after_kills(built: Path, tmp_path: Path) -> None:
    out, killed = tmp_path / "out", 0
    for wait in (0.5, 0.8, 1.1, 1.5, 2.0, 2.5):
        process = start(out)
        try:
            process.wait(wait)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
    run(out)
    assert killed and without_paths(content(out), out) == without_paths(content(built), built)


def start(out: Path, *flags: str, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "iepile", "build", str(PLAN), "--root", str(EXAMPLES), "--output", str(out)]
    return subprocess.Popen([*command, *flags], env=os.environ | environment, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True)


def run(out: Path, **environment: str) -> None:
    assert start(out, **environment).wait() == 0


def test_missing_data_sets_are_named_with_their_home(tmp_path: Path) -> None:
    plan = tmp_path / "corpus.yaml"
    plan.write_text("datasets: [DuEE1.0, toy]\ncards: [toy.yaml]\ntasks: [NER, EE]\n")
    (tmp_path / "toy.yaml").write_text(
        "{name: toy, task: NER, language: en, domain: news, role: train, licence: x, redistribution: x,"
        " home: unknown, splits: {train: [{files: [a.txt], format: bmes}]}}")
    (tmp_path / "raw/toy").mkdir(parents=True)
    (tmp_path / "raw/toy/a.txt").write_text("Ada B-PER\nmet O\nthe O\nother O\nfriend O\nof O\nBob B-PER\n")
    result = build(BuildConfig(corpus=str(plan), root=str(tmp_path / "raw"), output=str(tmp_path / "out")))
    assert [s.name for s in result.sets] == ["toy"] and "DuEE1.0" in result.missing["DuEE1.0"]
    assert "http" in result.missing["DuEE1.0"]
    assert "DuEE1.0" in (tmp_path / "out/report.md").read_text("utf-8")
    shutil.rmtree(tmp_path / "raw/toy")
    with pytest.raises(InputError, match="none of the data sets"):
        build(BuildConfig(corpus=str(plan), root=str(tmp_path / "raw"), output=str(tmp_path / "out")))


@pytest.mark.parametrize(("text", "says"), [
    ("datasets: [resume_nar]", "resume_ner"),
    ("dataset: [x]", "datasets"),
    ("convert: {cluster_mod: true}", "cluster_mode"),
    ("convert: {task: NER}", "the build gives it"),
    ("tasks: [NERR]", "unknown task"),
    ("cut: {train: 0.5}", "add up to 1"),
    ("leaks: 3", "leaks"),
    ("- a", "object"),
    (": :", "YAML"),
    ("clean: {near_threshold: x}", "near_threshold"),
    ("clean: {near_threshold: .nan}", "near_threshold"),
    ("leaks: {threshold: 0}", "threshold"),
    ("tasks: []", "no task"),
    ("{datasets: [handwritten_en], cards: [CARDS/handwritten_en.yaml], languages: [zh]}", "no data set is left"),
])
def test_a_bad_plan_is_explained(tmp_path: Path, text: str, says: str) -> None:
    plan = tmp_path / "corpus.yaml"
    plan.write_text(text.replace("CARDS", str(EXAMPLES / "corpus/cards")))
    with pytest.raises(InputError) as info:
        build(BuildConfig(corpus=str(plan), root=str(EXAMPLES), output=str(tmp_path / "out")))
    assert says in str(info.value)


@pytest.mark.parametrize("output", ["raw", "raw/notices_zh", "raw/notices_zh/deeper"])
def test_raw_data_is_not_written_over(tmp_path: Path, output: str) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    before = content(tmp_path / "raw")
    with pytest.raises(InputError, match="raw data"):
        build(BuildConfig(corpus=str(tmp_path / "corpus/corpus.yaml"), root=str(tmp_path / "raw"),
                          output=str(tmp_path / output)))
    assert content(tmp_path / "raw") == before


def test_ctrl_c_ends_it_with_130_and_nothing_in_the_way(built: Path, tmp_path: Path) -> None:
    for wait in (0.3, 0.5, 0.7, 1.0):
        process = start(tmp_path, "--workers", "2")
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) in (130, 0, -signal.SIGINT)  # the last: before Python got to our code
    run(tmp_path)
    assert without_paths(content(tmp_path), tmp_path) == without_paths(content(built), built)


def test_an_output_is_needed(tmp_path: Path) -> None:
    plan = tmp_path / "corpus.yaml"
    plan.write_text("datasets: [handwritten_en]\n")
    assert read_plan(plan).output is None
    with pytest.raises(InputError, match=r"no data set|output"):
        build(BuildConfig(corpus=str(plan), root=str(EXAMPLES)))


@pytest.mark.slow
def test_real_data_sets_make_a_corpus(tmp_path: Path) -> None:
    if not (SHARED / "data").is_dir():
        pytest.skip("the shared real data is not here")
    plan = tmp_path / "corpus.yaml"
    plan.write_text("cut: {train: 0.8, dev: 0.1, test: 0.1}\nroles: {FewFC: train}\n"
                    "convert: {cluster_mode: true, negative_ratio: 3}\n")
    began = time.monotonic()
    result = build(BuildConfig(corpus=str(plan), root=str(SHARED / "data"), output=str(tmp_path / "out")))
    assert len(result.sets) > 25 and time.monotonic() - began < 1200
    rows = {(r["task"], r["source"]) for _, r in read_rows(tmp_path / "out/train.jsonl")}
    assert {task for task, _ in rows} == {"NER", "RE", "EE", "EET", "EEA"}
    languages = {s.name: s.language for s in result.sets}
    assert {(task, languages[source]) for task, source in rows} >= {
        (task, language) for task in ("NER", "RE", "EE", "EET", "EEA") for language in ("zh", "en")}
