"""Confidences of the compact model: fitted on dev examples, saved with the model, and closer to the truth."""

from __future__ import annotations

import random
from math import exp
from pathlib import Path

import pytest

from compact_toy import small, toy
from iepile.errors import InputError
from iepile.models.compact.calibration import Calibration, Line
from iepile.models.compact.example import Example
from iepile.models.compact.model import CompactModel
from iepile.training.compact import fit
from iepile.training.compact_calibration import calibration_error, fit_calibration, fit_line
from iepile.training.compact_tuning import questions, scored


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def test_the_line_that_made_the_data_is_found() -> None:
    rng = random.Random(5)
    scores = [rng.gauss(1, 2.5) for _ in range(20_000)]
    line = fit_line([(s, rng.random() < sigmoid(0.6 * s - 0.8)) for s in scores])
    assert line.slope == pytest.approx(0.6, abs=0.03)
    assert line.offset == pytest.approx(-0.8, abs=0.06)


@pytest.mark.parametrize("facts", [
    [(9.0, True)] * 80, [(-9.0, False)] * 80, [(s / 8, s > 0) for s in range(-40, 40)],
    [(9.9, k % 7 > 0) for k in range(80)], [(-9.9, True), *[(9.9, False)] * 79],
])
def test_odd_facts_give_finite_lines(facts: list[tuple[float, bool]]) -> None:
    line = fit_line(facts)
    confidences = [Calibration({"entity": line}).confidence("entity", s) for s, _ in facts]
    mean = sum(confidences) / len(facts)
    assert mean == pytest.approx(sum(ok for _, ok in facts) / len(facts), abs=0.05)


def test_calibration_error_by_hand() -> None:
    assert calibration_error([]) == 0
    assert calibration_error([(0.95, True)] * 19 + [(0.95, False)]) == pytest.approx(0)
    # Half of the facts claim 0.9 and are right in 1 of 2, the others claim 0.1 and never are.
    assert calibration_error([(0.9, True), (0.9, False), (0.1, False), (0.1, False)]) == pytest.approx(0.25)
    assert calibration_error([(1.0, False)]) == 1


def test_fit_calibrates_and_changes_no_answer(tmp_path: Path) -> None:
    # A third of the facts it finds are taken for wrong, whatever it thinks of them.
    dev = [x if k % 3 else Example(x.text, {}, {}, x.asked_spans, x.asked_pairs) for k, x in enumerate(toy() * 3)]
    done = fit(toy(), dev, small(max_steps=60, checkpoint_steps=0), tmp_path)
    model = CompactModel.load(done.folder)
    assert "entity" in model.calibration.lines
    plain = CompactModel(model.network, model.labels)
    for kind in model.calibration.lines:
        before, after = (calibration_error(scored(m, dev)[kind][0]) for m in (plain, model))
        assert after < before
        assert kind != "entity" or after < 0.1
    texts, asked = [x.text for x in toy()], questions(toy())
    with_confidence, without = model.predict(texts, asked), plain.predict(texts, asked)
    assert with_confidence != without
    for a, b in zip(with_confidence, without, strict=True):
        for mine, yours in ((a.spans, b.spans), (a.pairs, b.pairs)):
            assert {k: [x[:2] for x in v] for k, v in mine.items()} == {k: [x[:2] for x in v] for k, v in yours.items()}
    assert fit_calibration(model.network, dev) == model.calibration
    assert fit_calibration(model.network, toy()[:3]) == Calibration()


def test_a_calibration_is_saved_and_damage_is_named(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    assert Calibration.load(file) == Calibration()
    made = Calibration({"trigger": Line(0.5, -0.25), "entity": Line(1.5, 0.125)})
    made.save(file)
    assert Calibration.load(file) == made
    for damaged in ("[]", '{"entity": {"slope": 1}}', '{"entities": {"slope": 1, "offset": 0}}', "{",
                    '{"entity": {"slope": -1, "offset": 0}}'):
        file.write_text(damaged)
        with pytest.raises(InputError, match=r"calibration\.json"):
            Calibration.load(file)
