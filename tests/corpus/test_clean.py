"""`iepile clean`: the steps in a row, files in and out, the same bytes in every process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rensa")

from iepile.cli.main import main
from iepile.corpus.clean import CleanConfig, Cleaner, CleanSettings, CleanSummary, clean
from iepile.errors import InputError
from iepile.jsonl import read_rows, write_rows
from iepile.records import Document

ROWS: list[dict[str, Any]] = [
    {"text": "Ａda  met Bob.\r\n", "id": "1", "entity": [{"entity": "Ａda", "entity_type": "person", "pos": [0, 3]}]},
    {"text": "ada met BOB.", "id": "2", "entity": [{"entity": "BOB", "entity_type": "person", "pos": [8, 11]}]},
    {"text": "-----", "id": "3", "entity": []},
    {"text": "Ada met Bob.", "id": "4", "source": "other", "entity": []},
    {"text": "Kept as it is.", "id": "5", "mine": {"a": [1]}},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "set").mkdir()
    write_rows(tmp_path / "set" / "train.jsonl", ROWS)
    return tmp_path


def run(folder: Path, **more: Any) -> CleanSummary:
    return clean(
        CleanConfig(
            **(
                {
                    "src_path": [str(folder / "set/train.jsonl")],
                    "tgt_path": str(folder / "out.jsonl"),
                    "rejects": str(folder / "x.jsonl"),
                    "report": str(folder / "r.json"),
                }
                | more
            )
        )
    )


def test_whole(folder: Path) -> None:
    summary = run(folder)
    assert (summary.read, summary.kept, summary.changed, summary.united) == (5, 3, 1, 1)
    assert summary.dropped == {"few letters": 1, "duplicate": 1}
    assert summary.same_text == {"set": {"different": 1}, "set | other": {"different": 1}}
    rows = [row for _, row in read_rows(folder / "out.jsonl")]
    assert [row["id"] for row in rows] == ["1", "4", "5"]
    assert rows[0] == {
        "text": "Ada met Bob.",
        "id": "1",
        "source": "set",
        "entity": [
            {"entity": "Ada", "entity_type": "person", "pos": [0, 3]},
            {"entity": "Bob", "entity_type": "person", "pos": [8, 11]},
        ],
    }
    assert rows[2] == {"text": "Kept as it is.", "id": "5", "source": "set", "meta": {"mine": {"a": [1]}}}
    rejected = {row["id"]: row["rejected"]["reason"] for _, row in read_rows(folder / "x.jsonl")}
    assert rejected == {"3": "few letters", "2": "duplicate"}
    report = json.loads((folder / "r.json").read_text())
    assert report["dropped_by_source"] == {"set": {"few letters": 1, "duplicate": 1}}
    assert report["normalised"]["changed"] == 1 and report["duplicates"]["united"] == 1
    assert len(report["consistency"]["text_examples"]) == 2


def test_several_files_in_order(folder: Path) -> None:
    write_rows(folder / "more.jsonl", [{"text": "ADA MET BOB.", "id": "6", "source": "set"}])
    summary = run(folder, src_path=[str(folder / "set/train.jsonl"), str(folder / "more.jsonl")], duplicates="across")
    assert (summary.read, summary.kept) == (6, 2)


def test_duplicates_off_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rensa", None)  # not needed then
    taken = []

    def docs() -> Any:
        for n in range(3):
            taken.append(n)
            yield Document("Ada met Bob.")

    cleaner = Cleaner(CleanSettings(duplicates="off"))
    stream = cleaner.run(docs())
    next(stream)
    assert taken == [0]
    assert len(list(stream)) == 2 and cleaner.report.kept == 3


def test_evaluation_splits_can_be_normalised_only(folder: Path) -> None:
    assert run(folder, duplicates="off", filters=False).kept == 5


def test_cleaning_again_changes_nothing(folder: Path) -> None:
    run(folder)
    first = (folder / "out.jsonl").read_bytes()
    summary = run(folder, src_path=[str(folder / "out.jsonl")], tgt_path=str(folder / "again.jsonl"))
    assert summary.dropped == {} and (folder / "again.jsonl").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"rejects": "out.jsonl"}, "two outputs"),
        ({"near_threshold": 2.0}, "near_threshold"),
        ({"min_letters": 2.0}, "min_letters"),
        ({"src_path": ["bad.jsonl"]}, "no `text`"),
    ],
)
def test_bad_usage(folder: Path, change: dict[str, Any], problem: str) -> None:
    write_rows(folder / "bad.jsonl", [{"text": "Good."}, {"sentence": "Bad."}])
    if "rejects" in change:
        change["rejects"] = str(folder / change["rejects"])
    if "src_path" in change:
        change["src_path"] = [str(folder / name) for name in change["src_path"]]
    with pytest.raises(InputError, match=problem):
        run(folder, **change)
    assert sorted(p.name for p in folder.iterdir()) == ["bad.jsonl", "set"]


def test_the_same_bytes_in_every_process(folder: Path) -> None:
    long = " ".join(f"w{n}" for n in range(40))
    rows = [
        {"text": f"{long} {n % 7} {n}", "entity": [{"entity": f"w{k}", "entity_type": "t"} for k in range(n % 3)]}
        for n in range(60)
    ]
    write_rows(folder / "set/train.jsonl", rows)
    results = set()
    for seed in ("0", "1", "7"):
        target = folder / f"out{seed}.jsonl"
        code = "import sys; from iepile.cli.main import main; sys.exit(main(sys.argv[1:]))"
        subprocess.run(
            [
                sys.executable,
                "-c",
                code,
                "clean",
                str(folder / "set/train.jsonl"),
                str(target),
                "--report",
                str(folder / "r.json"),
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": "2" if seed == "7" else "1"},
        )
        results.add(target.read_bytes() + (folder / "r.json").read_bytes())
    assert len(results) == 1


def test_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["clean", str(folder / "set/train.jsonl"), str(folder / "out.jsonl"), "--conflicts", "first", "--json"])
        == 0
    )
    summary = json.loads(capsys.readouterr().out)
    assert (summary["kept"], summary["facts_lost"]) == (3, 1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_runs(language: str, tmp_path: Path) -> None:
    """docs/*/cleaning.md: its commands, its program, and the figures that it shows."""
    page = (Path(__file__).parents[2] / f"docs/{language}/cleaning.md").read_text("utf-8")
    bash, shown, python = (
        re.search(f"^```{kind}\n(.*?)^```$", page, re.M | re.S)[1]  # type: ignore[index]
        for kind in ("bash", "text", "python")
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in (["bash", "-euo", "pipefail", "-c", bash], [sys.executable, "-c", python]):
        done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        if command[0] == "bash":
            printed = [line.split() for line in done.stdout.splitlines()]
            assert all(line.split() in printed for line in shown.splitlines() if "─" not in line)


def test_real_data(shared: Path, tmp_path: Path) -> None:
    """Offsets stay true, and no more than the odd record is called junk."""
    from iepile.corpus.formats import ReadOptions, read_documents

    cleaner = Cleaner()
    path = shared / "data" / "WEIBONER" / "weiboNER_2nd_conll.dev"
    if not path.exists():
        pytest.skip("needs WEIBONER in the data folder")
    for doc in cleaner.run(read_documents(path, "bmes", ReadOptions(source="WEIBONER"))):
        for span in doc.facts.spans():
            assert span.offsets is not None and doc.text[slice(*span.offsets)] == span.text
    report = cleaner.report
    assert sum(n for reason, n in report.dropped.items() if "duplicate" not in reason) <= 0.02 * report.read
