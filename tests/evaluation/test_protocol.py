"""`--protocol` prints what the reference printed, number for number."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.evaluation.report import Report
from iepile.evaluation.score import EvaluateConfig, evaluate

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
GOLDEN = SHARED / "golden" / "eval"
pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason=f"needs {GOLDEN}")


def cases() -> list[Any]:
    """Every run of the reference that ended well, for the tasks it can score."""
    found = []
    for path in sorted((GOLDEN / "expected").glob("*.json")):
        file, protocol, flags = path.name.removesuffix(".json").split(".")
        task, _, rest = flags.partition("_")
        if task in ("NER", "RE", "EE") and "metrics_list" not in rest and not path.with_suffix(".error").exists():
            mode = "set" if "match_mode_set" in rest else "normal"
            found.append(pytest.param(path, file, protocol, task, mode, id=path.stem))
    return found


def printed(report: Report) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    texts = {s.source: {"总样本数": s.records, "错误数": s.invalid} for s in report.sources}
    for row in (*report.scores, *report.by_source):
        counts = texts[row.source] if row.source else {
            "总样本数": report.counts.records, "错误数": report.counts.invalid}
        part: dict[str, float] = out.setdefault(row.source or "total", dict(counts))
        prefix = f"{row.group}_" if row.task == "EE" else ""
        s = row.score
        part |= {f"{prefix}P": s.precision, f"{prefix}R": s.recall, f"{prefix}F1": s.f1}
    return out


@pytest.mark.parametrize(("path", "file", "protocol", "task", "mode"), cases())
def test_as_the_reference(path: Path, file: str, protocol: str, task: str, mode: str) -> None:
    expected = json.loads(path.read_text("utf-8"))
    report = evaluate(EvaluateConfig(path1=str(GOLDEN / f"{file}.json"), task=task, protocol=protocol, match_mode=mode))
    got = printed(report)
    assert {k: got[k] for k in expected} == expected
    assert report.setting == f"{protocol}-{mode}/1"


def test_there_is_something_to_compare_with() -> None:
    assert len(cases()) >= 20


@pytest.mark.parametrize("file", ["crash_no_id", "crash_no_label", "crash_output_null"])
def test_what_ends_the_reference_is_named(file: str) -> None:
    with pytest.raises(InputError, match="the reference cannot score this row") as e:
        evaluate(EvaluateConfig(path1=str(GOLDEN / f"{file}.json"), task="NER", protocol="iepile"))
    assert e.value.line == 1


@pytest.mark.parametrize("options", [
    {"protocol": "other", "task": "NER"}, {"protocol": "iepile"},
    {"protocol": "iepile", "task": "NER", "match": "offset"}, {"protocol": "iepile", "task": "SPO"},
])
def test_settings_that_do_not_go_together(options: dict[str, str]) -> None:
    with pytest.raises(InputError):
        evaluate(EvaluateConfig(path1=str(GOLDEN / "ner_mixed.json"), **options))
