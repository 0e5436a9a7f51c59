"""`iepile leaks`: report, table, and training without what leaks; the evaluation split is not touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iepile.cli.main import main
from iepile.corpus.leaks import LeakCheck, LeakIndex, LeaksConfig, LeaksSummary, leaks
from iepile.errors import InputError
from iepile.jsonl import read_rows, write_rows
from iepile.records import Document

LONG = "Ada Lund founded Pinewise in Oberwald and later sold the company to a group of investors"
TRAIN = [
    {"text": "Something of its own.", "id": "0"},
    {"text": LONG + ".", "id": "1"},
    {"text": "OBERWALD", "id": "2"},
    {"text": LONG.replace("Ada", "Eva"), "id": "3"},
    {"text": "Nothing that anybody knows.", "id": "4", "extra": 1},
]
TEST = [
    {"text": LONG, "id": "t0", "source": "news"},
    {"text": "Oberwald", "id": "t1", "source": "news"},
    {"text": "Another one.", "id": "t2", "source": "news"},
    {"text": "And one more.", "id": "t3", "source": "news"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "set").mkdir()
    write_rows(tmp_path / "set" / "train.jsonl", TRAIN)
    write_rows(tmp_path / "test.jsonl", TEST)
    write_rows(tmp_path / "dev.jsonl.gz", [{"text": LONG, "id": "d0", "source": "news"}])
    return tmp_path


def run(folder: Path, **more: Any) -> LeaksSummary:
    return leaks(
        LeaksConfig(
            **(
                {
                    "train": [str(folder / "set/train.jsonl")],
                    "evaluation": [str(folder / "test.jsonl"), str(folder / "dev.jsonl.gz")],
                    "tgt_path": str(folder / "clean.jsonl"),
                    "report": str(folder / "r.json"),
                    "rejects": str(folder / "x.jsonl"),
                }
                | more
            )
        )
    )


def test_report_and_removal(folder: Path) -> None:
    before = (folder / "test.jsonl").read_bytes()
    summary = run(folder)
    assert (summary.train, summary.evaluation, summary.leaking, summary.kept) == (5, 5, 3, 2)
    pairs = [
        (p.train, p.evaluation, p.exact, p.near, p.contained, p.short, p.evaluation_texts, p.evaluation_share)
        for p in summary.pairs
    ]
    assert pairs == [("set/train", "news/dev", 1, 1, 0, 0, 1, 1.0), ("set/train", "news/test", 2, 1, 0, 1, 2, 0.5)]
    assert [row["id"] for _, row in read_rows(folder / "clean.jsonl")] == ["0", "4"]
    assert (folder / "test.jsonl").read_bytes() == before
    rejected = [row["rejected"] for _, row in read_rows(folder / "x.jsonl")]
    assert [r["reason"] for r in rejected] == ["leak: exact", "leak: exact", "leak: near"]
    assert rejected[0] == {"reason": "leak: exact", "of": "news/test t0", "similarity": 1.0}
    report = json.loads((folder / "r.json").read_text())
    assert report["train"] == {"set/train": 5} and report["evaluation"] == {"news/test": 4, "news/dev": 1}
    assert report["leaking"] == {"set/train": 3} and len(report["pairs"]) == 2
    assert [(leak["train_key"], leak["evaluation_key"], leak["kind"]) for leak in report["leaks"]] == [
        ("1", "t0", "exact"),
        ("2", "t1", "exact"),
        ("3", "t0", "near"),
    ]


def test_report_only(folder: Path) -> None:
    assert run(folder, tgt_path=None, report=None, rejects=None).kept == 2
    assert sorted(p.name for p in folder.iterdir()) == ["dev.jsonl.gz", "set", "test.jsonl"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tgt_path": "test.jsonl"}, "is an input"),
        ({"tgt_path": "set/train.jsonl"}, "is an input"),
        ({"report": "clean.jsonl"}, "two outputs"),
        ({"train": ["test.jsonl"]}, "is an evaluation split"),
        ({"train": ["none.jsonl"]}, "no such file"),
        ({"threshold": 8.0}, "threshold is 8.0"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"containment": float("nan")}, "containment is nan"),
    ],
)
def test_bad_usage(folder: Path, change: dict[str, Any], problem: str) -> None:
    for key in {"tgt_path", "report"} & set(change):
        change[key] = str(folder / change[key])
    if "train" in change:
        change["train"] = [str(folder / name) for name in change["train"]]
    with pytest.raises(InputError, match=problem):
        run(folder, **change)
    assert not (folder / "clean.jsonl").exists() and not (folder / "x.jsonl").exists()


def test_as_a_step() -> None:
    index = LeakIndex()
    index.add([Document(LONG, source="s")], "test")
    check = LeakCheck(index)
    docs = [Document("Something else.", source="t", meta={"split": "train"}), Document(LONG, source="t")]
    assert list(check.run(docs)) == docs[:1]
    assert check.report.train == {"t/train": 1, "t": 1} and check.report.leaking == {"t": 1}


def test_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["leaks", "--train", str(folder / "set/train.jsonl"), "--evaluation", str(folder / "test.jsonl")]
    assert main(args) == 0
    shown = capsys.readouterr().out
    assert "set/train" in shown and "news/test" in shown and "50.0 %" in shown
    assert main([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"][0]["exact"] == 2
