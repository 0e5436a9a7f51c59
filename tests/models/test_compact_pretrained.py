"""The compact model on a Hugging Face encoder: a tiny BERT made here, nothing fetched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compact_toy import small, toy
from iepile.errors import InputError
from iepile.models.compact.features import tokenize
from iepile.models.compact.model import CompactModel
from iepile.models.compact.pretrained import PretrainedEncoder
from iepile.training.compact import fit
from iepile.training.compact_tuning import evaluate, questions


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    letters = sorted({c for x in toy() for c in x.text if not c.isspace()})
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{c}" for c in letters), "##orks", "work"]
    backend = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocab)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocab), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=24, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


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


def test_every_token_gets_the_mean_of_its_subwords_however_long_the_text(bert: Path) -> None:
    encoder = PretrainedEncoder.from_source(bert).eval()
    assert encoder.limit == 22
    tokens = tokenize("Ada works for Acme Inc. " * 4)
    text = encoder.read(tokens)
    assert len(text.ids) > encoder.limit
    assert sorted(set(text.owner)) == list(range(1, len(tokens)))
    with torch.no_grad():
        short, long = encoder.read(tokenize("Bolt")), encoder([text], len(tokens) + 1)
        assert long.shape == (1, len(tokens) + 1, 32)
        both = encoder([text, short], len(tokens) + 1)
        assert torch.allclose(both[0], long[0], atol=1e-5)
        whole = encoder.model(input_ids=torch.tensor([[encoder.first, *text.ids[:22], encoder.last]]))
    first = [k for k, owner in enumerate(text.owner[:22]) if owner == 2]
    mean = whole.last_hidden_state[0, 1:][torch.tensor(first)].mean(0)
    assert torch.allclose(long[0, 2], mean, atol=1e-5)


def test_an_encoder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot load the encoder"):
        PretrainedEncoder.from_source(tmp_path)
