"""The compact model on Hugging Face encoders: tiny ones of several families made here, nothing fetched."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from compact_encoders import FAMILIES, make_encoder
from compact_toy import BUYER, PERSON, small, toy
from iepile.errors import InputError
from iepile.models.compact import torch_scorer
from iepile.models.compact.batch import match, pad
from iepile.models.compact.example import Example, Label, Question
from iepile.models.compact.features import tokenize
from iepile.models.compact.model import CompactModel, build
from iepile.models.compact.pretrained import PretrainedEncoder
from iepile.training.compact import fit
from iepile.training.compact_tuning import evaluate, questions

LETTERS = "".join(x.text for x in toy())


@pytest.fixture(scope="module", params=FAMILIES)
def encoder_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(request.param, tmp_path_factory.mktemp(request.param), LETTERS, ("works", "work"))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder("bert", tmp_path_factory.mktemp("bert"), LETTERS, ("works", "work"))


def test_it_learns_saves_and_loads_without_the_encoder_folder(bert: Path, tmp_path: Path) -> None:
    config = small(max_steps=250, checkpoint_steps=0, encoder_factor=0.3, swap_mentions=0.0)
    config = replace(config, model=replace(config.model, encoder=str(bert)))
    done = fit(toy(), [], config, tmp_path)
    model = CompactModel.load(done.folder)
    scores = evaluate(model, toy())
    assert scores["entity"] > 0.95
    assert scores["trigger"] > 0.95
    model.save(tmp_path / "copy")
    texts, asked = [x.text for x in toy()], questions(toy())
    again = CompactModel.load(tmp_path / "copy")
    # What was learned is in the folder, not in the encoder it began with.
    bert.rename(bert.with_name("gone"))
    try:
        assert CompactModel.load(tmp_path / "copy").predict(texts, asked) == again.predict(texts, asked)
    finally:
        bert.with_name("gone").rename(bert)


def test_every_family_trains_and_answers_alike_after_a_reload(encoder_folder: Path, tmp_path: Path) -> None:
    config = small(max_steps=60, checkpoint_steps=0, encoder_factor=0.3)
    config = replace(config, model=replace(config.model, encoder=str(encoder_folder)))
    done = fit(toy(), toy()[::3], config, tmp_path)
    assert sum(done.losses[-10:]) < 0.5 * sum(done.losses[:10])
    model = CompactModel.load(done.folder)
    assert evaluate(model, toy())["entity"] > 0.3
    model.save(tmp_path / "copy")
    texts, asked = [x.text for x in toy()], questions(toy())
    assert CompactModel.load(tmp_path / "copy").predict(texts, asked) == model.predict(texts, asked)


def test_every_token_gets_the_mean_of_its_subwords_however_long_the_text(encoder_folder: Path) -> None:
    encoder = PretrainedEncoder.from_source(encoder_folder).eval()
    limit = encoder.reader.limit
    assert limit == (20 if "roberta" in encoder_folder.name else 22)
    tokens = tokenize("Ada works for Acme Inc. " * 4)
    text = encoder.reader.read(tokens)
    assert len(text.ids) > limit
    assert sorted(set(text.owner)) == list(range(1, len(tokens)))
    with torch.no_grad():
        short, long = encoder.reader.read(tokenize("Bolt")), encoder([text], len(tokens) + 1)
        assert long.shape == (1, len(tokens) + 1, 32)
        both = encoder([text, short], len(tokens) + 1)
        assert torch.allclose(both[0], long[0], atol=1e-5)
        ids = [encoder.reader.first, *text.ids[:limit], encoder.reader.last]
        whole = encoder.model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))
    first = [k for k, owner in enumerate(text.owner[:limit]) if owner == 2]
    mean = whole.last_hidden_state[0, 1:][torch.tensor(first)].mean(0)
    assert torch.allclose(long[0, 2], mean, atol=1e-5)


def test_odd_texts_keep_their_tokens(encoder_folder: Path) -> None:
    encoder = PretrainedEncoder.from_source(encoder_folder).eval()
    for text in ("", " \n", "\ud800 甲", "😀" * 50, "甲" * 70, "e\u0301t\u00e9 [CLS] x"):
        tokens = tokenize(text)
        with torch.no_grad():
            states = encoder([encoder.reader.read(tokens)], len(tokens) + 1)
        assert states.shape[1] == len(tokens) + 1
        assert torch.isfinite(states).all()


def test_a_label_is_known_by_its_words_as_the_encoder_reads_them(bert: Path) -> None:
    encoder = PretrainedEncoder.from_source(bert).eval()
    with torch.no_grad():
        vectors = encoder.labels([PERSON, BUYER, Label("trigger", "person"), Label("entity", "firm")])
        alone = encoder.labels([BUYER])
    assert torch.allclose(vectors[1], alone[0], atol=1e-5)
    assert torch.allclose(vectors[0], vectors[2], atol=1e-5)
    assert not torch.allclose(vectors[0], vectors[3], atol=1e-2)


WORDS = tuple(a + b for a in ("ba", "de", "fo", "gu", "ki", "lo", "mi", "nu", "pa", "ro") for b in
              ("cal", "dos", "fin", "gem", "hut", "jor", "kel", "lam", "mun", "nap", "ord", "pim", "qua", "rus"))


def _finds(known: bool, seed: int) -> list[Example]:
    """Texts of five words, asked for two of them by name; the names of the two halves are disjoint."""
    rng = random.Random(seed)
    half = [w for k, w in enumerate(WORDS) if (k % 5 > 0) == known]
    out = []
    for _ in range(300 if known else 60):
        words = rng.sample(half, 2) + rng.sample(WORDS, 3)
        asked = words[:1] + words[-1:]
        rng.shuffle(words)
        text, labels = " ".join(words), tuple(Label("entity", w) for w in asked if w in half)
        places = {x: [(text.index(x.text), text.index(x.text) + len(x.text))] for x in labels}
        out.append(Example(text, places, {}, labels))
    return out


def test_labels_never_seen_are_found_with_an_encoder_and_only_with_one(tmp_path: Path) -> None:
    # A label is the word to find, so an unseen label is answered exactly when its words are read, not its number.
    folder = make_encoder("bert", tmp_path / "bert", "".join(WORDS), WORDS)
    # The encoder has no training of its own to forget, but its words must stay as far apart as they are.
    config = small(max_steps=240, checkpoint_steps=0, encoder_factor=0.0, swap_mentions=0.0, tokens_per_batch=192)
    config = replace(config, model=replace(config.model, query_size=32, embedding_size=48))
    train, unseen = _finds(True, 1), _finds(False, 2)
    assert not {x.text for e in train for x in e.asked_spans} & {x.text for e in unseen for x in e.asked_spans}
    scores = []
    for encoder in (str(folder), ""):
        run = replace(config, model=replace(config.model, encoder=encoder))
        model = CompactModel.load(fit(train, [], run, tmp_path / f"run{bool(encoder)}").folder)
        model.labels = tuple({x for e in unseen for x in e.asked_spans})  # no warning, we know
        scores.append(evaluate(model, unseen)["entity"])
    assert scores[0] > 0.7
    assert scores[1] < 0.5 * scores[0]


def test_predictions_with_an_encoder_do_not_depend_on_company(bert: Path, tmp_path: Path) -> None:
    config = small(max_steps=80, checkpoint_steps=0, encoder_factor=0.3)
    config = replace(config, model=replace(config.model, encoder=str(bert)))
    model = CompactModel.load(fit(toy(), [], config, tmp_path).folder)
    texts, asked = [x.text for x in toy()], questions(toy())
    together = model.predict(texts, asked)
    for text, question, p in zip(texts, asked, together, strict=True):
        for name in question.spans:
            alone = CompactModel.load(tmp_path / "model").predict([text], [Question((name,))])[0].spans[name]
            assert [s[:2] for s in alone] == [s[:2] for s in p.spans[name]]


def test_labels_that_were_read_are_kept_up_to_a_number(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_scorer, "VECTORS_KEPT", 20)
    network = build(replace(small().model, encoder=str(bert))).eval()
    scorer = torch_scorer.TorchScorer(network)
    text = [scorer.read("Ada works for Acme")]
    for n in range(40):
        names = [(Label("entity", f"kind {k}"), "entity") for k in range(3 * n, 3 * n + 6)]
        lengths, features = pad(text)
        batch = scorer.encode(text, lengths, features)
        found = scorer.grid(batch, names, match(features, names, network.config.buckets))[0]
        fresh = torch_scorer.TorchScorer(network).grid(batch, names, match(features, names, network.config.buckets))[0]
        assert np.allclose(found, fresh, atol=1e-5)
        assert len(scorer.vectors) <= 20 + len(names)


def test_an_encoder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot load the encoder"):
        PretrainedEncoder.from_source(tmp_path)


def test_an_encoder_with_a_decoder_is_refused(bert: Path, tmp_path: Path) -> None:
    from transformers import T5Config

    for file in bert.glob("tokenizer*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, vocab_size=50).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="with a decoder"):
        PretrainedEncoder.from_source(tmp_path)
