"""The compact model as users meet it: folders, questions, answers."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from compact_toy import BUY, BUYER, FIRM, PERSON, WORKS, small, toy
from iepile.errors import InputError
from iepile.models.compact.example import Label, Question
from iepile.models.compact.model import CompactModel
from iepile.models.compact.predictor import UnseenLabelWarning
from iepile.training.compact import fit
from iepile.training.compact_tuning import questions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained a little, so that its answers are many and unsure."""
    path = tmp_path_factory.mktemp("compact")
    return fit(toy(), toy()[::3], small(max_steps=60, checkpoint_steps=0), path).folder


@pytest.fixture
def model(folder: Path) -> CompactModel:
    return CompactModel.load(folder)


TEXTS = [x.text for x in toy()]
ASKED = questions(toy())


def test_saved_and_loaded_models_answer_alike(model: CompactModel, tmp_path: Path) -> None:
    model.save(tmp_path / "copy")
    copy = CompactModel.load(tmp_path / "copy")
    assert copy.labels == model.labels
    assert copy.config == model.config
    before = model.predict(TEXTS, ASKED)
    assert copy.predict(TEXTS, ASKED) == before
    assert any(p.spans for p in before)


def test_half_precision_is_half_the_size(model: CompactModel, tmp_path: Path) -> None:
    model.save(tmp_path / "full")
    model.save(tmp_path / "half", half=True)
    sizes = [(tmp_path / n / "model.safetensors").stat().st_size for n in ("full", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    CompactModel.load(tmp_path / "half").predict(TEXTS[:2], ASKED[:2])


def test_neither_order_nor_company_of_labels_nor_the_batch_changes_an_answer(model: CompactModel) -> None:
    # Low thresholds: many answers, so that there is something to differ.
    low = replace(model.config, thresholds=dict.fromkeys(model.config.thresholds, -2.0), anchor_floor=-4.0)
    model.network.config = low
    labels = sorted({x for q in ASKED for x in (*q.spans, *q.pairs)})
    spans = tuple(x for x in labels if x.kind in ("entity", "trigger"))
    pairs = tuple(x for x in labels if x.kind in ("relation", "argument"))
    together = model.predict(TEXTS, [Question(spans, pairs)] * len(TEXTS))
    backwards = model.predict(TEXTS, [Question(spans[::-1], pairs[::-1])] * len(TEXTS))
    single = model.predict(TEXTS, [Question(spans, pairs)] * len(TEXTS), tokens_per_batch=1)
    assert sum(len(v) for p in together for v in p.pairs.values()) > 20

    def close(one: object, other: object) -> bool:
        a, b = json.dumps(one), json.dumps(other)
        numbers = [[float(x) for x in t.replace("[", " ").replace("]", " ").replace(",", " ").split()] for t in (a, b)]
        return len(numbers[0]) == len(numbers[1]) and numbers[0] == pytest.approx(numbers[1], abs=2e-3)

    for k, p in enumerate(together):
        assert list(p.spans) == list(spans)
        assert list(backwards[k].spans) == list(spans[::-1])
        for name in labels:
            kind = "spans" if name in spans else "pairs"
            mine = getattr(p, kind)[name]
            assert close(mine, getattr(backwards[k], kind)[name])
            assert close(mine, getattr(single[k], kind)[name])
    for name in labels:
        question = Question((name,), ()) if name in spans else Question((), (name,))
        for p, alone in zip(together, model.predict(TEXTS, [question] * len(TEXTS)), strict=True):
            kind = "spans" if name in spans else "pairs"
            assert close(getattr(p, kind)[name], getattr(alone, kind)[name])


def test_probabilities_and_offsets_are_in_range(model: CompactModel) -> None:
    for text, p in zip(TEXTS, model.predict(TEXTS, ASKED), strict=True):
        for spans in p.spans.values():
            assert all(0 <= s <= e <= len(text) and 0 <= prob <= 1 for s, e, prob in spans)
            assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_given_triggers_are_used_and_no_others(model: CompactModel) -> None:
    text = "甲公司收购乙集团。"
    for trigger in ((3, 5), (0, 3)):
        question = Question((), (BUYER,), {BUY: [trigger]})
        model.network.config = replace(model.config, thresholds=dict.fromkeys(model.config.thresholds, -9.0))
        pairs = model.predict([text], [question])[0].pairs[BUYER]
        assert {first for first, _, _ in pairs} <= {trigger}


def test_flat_entities_do_not_overlap(model: CompactModel) -> None:
    model.network.config = replace(
        model.config, thresholds=dict.fromkeys(model.config.thresholds, -9.0), nested=False, search_floor=-9.0
    )
    for p in model.predict(TEXTS[:6], [Question((PERSON, FIRM))] * 6):
        spans = sorted(s[:2] for name in (PERSON, FIRM) for s in p.spans[name])
        assert spans
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_a_label_never_seen_is_answered_with_a_warning_once(model: CompactModel) -> None:
    question = Question((Label("entity", "vehicle"), PERSON))
    with pytest.warns(UnseenLabelWarning, match="entity vehicle"):
        model.predict(["Ada works."], [question])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(["Ada works."], [question])


def test_empty_and_odd_texts(model: CompactModel) -> None:
    texts = ["", " \n", "\ud800", "😀" * 50, "甲" * 700]
    answers = model.predict(texts, [Question((PERSON, BUY), (WORKS, BUYER))] * len(texts))
    assert len(answers) == len(texts)
    assert answers[0].spans[PERSON] == []


def test_what_is_no_model_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a readable compact model"):
        CompactModel.load(tmp_path)
    broken = tmp_path / "broken"
    CompactModel.load(folder).save(broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(InputError, match="not a readable compact model"):
        CompactModel.load(broken)
    CompactModel.load(folder).save(broken)
    (broken / "config.json").write_text('{"kind": "compact", "format": 99}')
    with pytest.raises(InputError, match="format"):
        CompactModel.load(broken)


def test_one_question_per_text(model: CompactModel) -> None:
    with pytest.raises(InputError, match="2 texts but 1 questions"):
        model.predict(["a", "b"], [Question()])


def test_prediction_leaves_the_random_state_alone(model: CompactModel) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    model.predict(TEXTS[:2], ASKED[:2])
    assert torch.equal(state, torch.get_rng_state())
