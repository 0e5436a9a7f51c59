"""Every family: tuned, saved, loaded, tuned on, merged and asked, with the smallest model of its architecture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Request, open_engine
from iepile.instruction import Instruction, read_instruction
from iepile.models.families import families
from iepile.models.load import LoadOptions, load_model
from iepile.models.vendor import quiet
from iepile.tasks import get_task
from iepile.training.config import TrainConfig
from iepile.training.tune import tune
from own_code import KINDS, make_own_code, with_weights
from tiny_models import ARCHITECTURES, make_family

TEXTS = ["康有为在广东。", 'Ada said "no".', "x" * 40]
REQUESTS = [Request(str(i), "NER", Instruction("Find.", ["人物"], t).render()) for i, t in enumerate(TEXTS)]
QUICK = {"llama", "t5", "baichuan", "openba"}
"""Those that are run each time; the rest takes a few seconds each."""


def several(kinds: Any) -> list[Any]:
    return [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in sorted(kinds)]


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(model: Path, folder: Path, **settings: Any) -> list[float]:
    """Tune for two steps; gives their losses."""
    row = {"task": "NER", "instruction": REQUESTS[0].instruction, "output": '{"人物": ["康有为"]}'}
    rows = folder.with_suffix(".json")
    rows.write_text((json.dumps(row) + "\n") * 4, encoding="utf-8")
    tune(TrainConfig(str(model), str(rows), str(folder), max_steps=2, learning_rate=1e-2, lora_dropout=0.0, threads=1,
                     logging_steps=1, warmup_ratio=0.0, lr_scheduler_type="constant", save_steps=0, **settings))
    lines = (folder / "train_log.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines if '"loss"' in line]


def ask(model: Path, **options: Any) -> dict[str, Completion]:
    engine = open_engine("transformers", str(model), {"max_new_tokens": 12} | options)
    return {c.key: c for c in engine.generate(REQUESTS)}


def check(found: dict[str, Completion]) -> None:
    for r in REQUESTS:
        instruction, task = read_instruction(r.instruction), get_task(r.task)
        read = task.parse(found[r.key].text, tuple(map(task.item, instruction.schema)))
        assert read.valid and all(s.text in instruction.input for s in read.facts.spans()), found[r.key]


def scores(model: Any, encoder_decoder: bool) -> Any:
    ids = torch.tensor([[5, 6, 7, 8]])
    more = {"decoder_input_ids": torch.tensor([[1, 9]])} if encoder_decoder else {}
    with torch.no_grad():
        return model(input_ids=ids, **more).logits


def goes_all_the_way(base: Path, folder: Path, own: bool) -> None:
    code = {"trust_remote_code": True} if own else {}
    first = train(base, folder / "one", **code)
    assert first[1] < first[0]
    found = ask(folder / "one", **code)
    check(found)
    alone = ask(folder / "one", batch_size=1, **code)
    assert {k: c.text for k, c in alone.items()} == {k: c.text for k, c in found.items()}

    second = train(base, folder / "two", checkpoint_dir=str(folder / "one" / "model"), **code)
    assert second[0] < first[0]

    options = LoadOptions(trust_remote_code=own)
    loaded = load_model(folder / "two", options)
    assert loaded.family and loaded.adapter
    want = scores(loaded.model, loaded.encoder_decoder)
    with quiet():
        merged = loaded.model.merge_and_unload()
    merged.save_pretrained(folder / "merged")
    loaded.tokenizer.save_pretrained(folder / "merged")
    again = load_model(folder / "merged", options)
    assert again.encoder_decoder == loaded.encoder_decoder and again.family == loaded.family
    assert torch.allclose(scores(again.model, again.encoder_decoder), want, atol=1e-4)
    check(ask(folder / "merged", **code))


@pytest.mark.parametrize("kind", several(ARCHITECTURES))
def test_a_family_that_transformers_knows(kind: str, tmp_path: Path) -> None:
    goes_all_the_way(make_family(tmp_path / "base", kind), tmp_path, own=False)


@pytest.mark.parametrize("kind", several(KINDS))
def test_a_family_that_brings_its_own_code(kind: str, tmp_path: Path) -> None:
    base = with_weights(make_own_code(tmp_path / "base", kind))
    with pytest.raises(InputError, match="bring their own Python code") as e:
        load_model(base)
    assert "trust_remote_code" in str(e.value)
    goes_all_the_way(base, tmp_path, own=True)


@pytest.mark.parametrize("kind", ["baichuan", "openba"])
def test_code_is_not_run_to_say_that_it_would_have_to_be(kind: str, tmp_path: Path) -> None:
    folder = make_own_code(tmp_path / "m", kind)
    (folder / "own_model.py").write_text("raise SystemExit('the code was run')")
    with pytest.raises(InputError, match=f"models of the family {kind} bring"):
        load_model(folder)


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.slow) for k in ("gpt2", "llama", "t5")])
def test_all_weights_of_a_family(kind: str, tmp_path: Path) -> None:
    losses = train(make_family(tmp_path / "base", kind), tmp_path / "run", finetuning_type="full")
    assert losses[1] < losses[0]
    check(ask(tmp_path / "run"))


def test_every_family_is_covered() -> None:
    """By its own architecture, or by code of ours under its name; the rest differs in names of layers alone."""
    tried = {*ARCHITECTURES, *KINDS}
    left = {f.name for f in families() if tried.isdisjoint(f.model_types)}
    assert left == {"yi", "aquila", "bluelm", "xverse"}


def test_what_is_said_of_code_is_true_here() -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    for family in families():
        native = [t for t in family.model_types if t in CONFIG_MAPPING]
        assert bool(native) != family.remote_code, family.name
