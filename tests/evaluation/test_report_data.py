"""The data of the page: figures of all texts, a seeded sample of them, the same in every setting as in the report."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.evaluation.errors.errors import ERROR_CLASSES
from iepile.evaluation.facts import Counts
from iepile.evaluation.page import report_page
from iepile.evaluation.page.browse import RIGHT
from iepile.evaluation.page.report_page import LANGUAGES, report_data, write_report
from iepile.evaluation.score import EvaluateConfig
from iepile.jsonl import write_rows
from iepile.page import PAGES
from iepile.tasks.matching import MATCHES
from iepile.tasks.task import get_task, task_names
from report_rows import examples, made, row


def test_the_sample_is_seeded_and_figures_are_of_all(tmp_path: Path) -> None:
    rows = [row("NER", n, f"text {n} of Ada", ["p"], [{"entity": "Ada", "entity_type": "p"}], {"p": ["Ada"]})
            for n in range(300)]
    rows[123]["output"] = "broken"
    write_rows(tmp_path / "pred.json", rows)
    report, data = made(tmp_path / "pred.json", texts=20, draws=50)
    assert len(data["texts"]) == 20 and data["of"] == 300 and data["wrong"] == 1
    assert 124 in [t["line"] for t in data["texts"]]
    assert data["parts"]["all"][0][4:7] == [299, 299, 300] and report.scores[0].score.tp == 299
    assert made(tmp_path / "pred.json", texts=20, draws=50)[1] == data
    assert made(tmp_path / "pred.json", texts=20, draws=50, seed=1)[1]["texts"] != data["texts"]
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, data)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_long_texts_leave_room_for_fewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_page, "MOST_BYTES", 60_000)
    gold = [{"entity": "Ada", "entity_type": "p"}]
    rows = [row("NER", n, f"text {n} of Ada " + "x" * 5000, ["p"], gold, {"p": ["Ada"]}) for n in range(40)]
    rows[33]["output"] = "broken"
    write_rows(tmp_path / "pred.json", rows)
    data = made(tmp_path / "pred.json", draws=10)[1]
    assert 8 <= len(data["texts"]) <= 12 and data["of"] == 40
    assert 34 in [t["line"] for t in data["texts"]]  # a class that occurs once is not what goes


@pytest.mark.parametrize("match", ["string", "normalised", "head", "offset", "overlap"])
@pytest.mark.parametrize("match_mode", ["normal", "set"])
def test_figures_are_the_reports_in_every_setting(tmp_path: Path, match: str, match_mode: str) -> None:
    places = [{"entity": w, "entity_type": "p", "pos": [n, n + 3]} for w, n in (("Ada", 0), ("ADA", 9))]
    rows = [row("NER", n, "Ada met; ADA", ["p"], places, {"p": ["Ada", "ada", "Ada"]}) for n in range(3)]
    for r in rows:
        r["facts"] = {"entities": [{"type": "p", "span": {"text": "Ada", "start": s, "end": s + 3}} for s in (0, 1)]}
    write_rows(tmp_path / "pred.json", rows)
    report, data = made(tmp_path / "pred.json", match=match, match_mode=match_mode, draws=10)
    assert [r[4:7] for r in data["parts"]["all"]] == [[r.score.tp, r.score.pred, r.score.gold] for r in report.scores]
    facts = [f for t in data["texts"] for f in t["facts"]]
    assert sum(f["kind"] == "right" for f in facts) == report.scores[0].score.tp


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pred.json"
    write_rows(path, examples())
    with pytest.raises(InputError, match="zh or en"):
        made(path, language="fr")
    with pytest.raises(InputError, match="leave out --protocol"):
        report_data(EvaluateConfig(path1=str(path), protocol="iepile"), made(path, draws=10)[0], [])


def test_every_name_has_words() -> None:
    words = tomllib.loads((PAGES / "evaluation_words.toml").read_text("utf-8"))
    assert set(words["families"]) == {*ERROR_CLASSES, RIGHT} <= set(words["zh"]["names"])
    groups = {g for t in map(get_task, task_names()) for g in (*t.groups, *t.field_groups)}
    assert groups <= set(words["zh"]["names"])
    for language in LANGUAGES:
        assert set(words[language]["counts"]) == set(Counts.__struct_fields__)
        assert set(words[language]["rule"]) == {*MATCHES, "normal", "set"}
    colours = (PAGES / "evaluation.css").read_text("utf-8")
    assert all(colours.count(f"--{family}: #") == 2 for family in set(words["families"].values()))  # light and dark
