"""What people get wrong when they tune: exit code 2, a message that says what to do, nothing trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
from tiny_models import byte_level_tokenizer, make_model

Cli = Callable[..., tuple[int, str, str]]
ROW = {"task": "NER", "source": "s", "instruction": '{"instruction": "找", "schema": ["人物"], "input": "康有为在此"}',
       "output": '{"人物": ["康有为"]}'}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


@pytest.fixture
def tune(cli: Cli, here: Path, base: Path) -> Callable[..., str]:
    """Tune on some rows with some flags; the message of the refusal."""
    shutil.copytree(base, "base")

    def call(*flags: str, rows: list[dict[str, Any]] | None = None, model: str = "base") -> str:
        lines = [ROW] * 3 if rows is None else rows
        Path("train.json").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in lines), "utf-8")
        code, _, err = cli("train", "--model_name_or_path", model, "--train_file", "train.json", "--output_dir", "run",
                           "--max_steps", "1", "--threads", "1", *flags)
        assert code == 2 and "Traceback" not in err, (code, err)
        assert not Path("run/model").exists() and not list(Path("run").glob("checkpoint-*"))
        message = err[err.index("error: "):]
        assert "  do: " in message or "  expected: " in message, message
        return message

    return call


@pytest.mark.parametrize(("change", "said"), [
    ({"instruction": None}, ("train.json:2", "instruction")),
    ({"output": None}, ("train.json:2", "output")),
    ({"output": "  "}, ("train.json:2", "output")),
    ({"output": None, "id": "1", "label": "[]"}, ("train.json:2", "a test row", "--split train")),
])
def test_rows(tune: Callable[..., str], change: dict[str, Any], said: tuple[str, ...]) -> None:
    row = {k: v for k, v in {**ROW, **change}.items() if v is not None}
    message = tune(rows=[ROW, row])
    assert all(s in message for s in said), message


def test_nothing_fits(tune: Callable[..., str]) -> None:
    message = tune("--cutoff_len", "8", "--too_long", "drop")
    assert "no row fits" in message and "cutoff_len" in message


def test_flags(tune: Callable[..., str]) -> None:
    assert "unknown template 'alpacca'" in tune("--template", "alpacca")
    assert "did you mean" in tune("--lora_rank", "8").lower()
    assert "finetuning_type" in tune("--finetuning_type", "full", "--bits", "4")
    assert "see each other" in tune("--finetuning_type", "p_tuning", "--layout", "packed")
    assert "cannot be split over processes" in tune("--bits", "4", "--deepspeed", "zero3")
    assert "device" in tune("--device", "cuda:7")


def test_a_tokenizer_without_end(tune: Callable[..., str]) -> None:
    path = Path("base/tokenizer_config.json")
    config = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({k: v for k, v in config.items() if k != "eos_token"}), "utf-8")
    special = Path("base/special_tokens_map.json")
    if special.exists():
        special.unlink()
    assert "end-of-sequence" in tune()


def test_pickled_weights(tune: Callable[..., str]) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file("base/model.safetensors"), "base/pytorch_model.bin")
    Path("base/model.safetensors").unlink()
    message = tune()
    assert "safetensors" in message and "allow_pickle_weights" in message


def test_an_adapter_of_another_model(cli: Cli, tune: Callable[..., str]) -> None:
    make_model(Path("other"), byte_level_tokenizer(), width=16)
    Path("train.json").write_text(json.dumps(ROW) + "\n", "utf-8")
    code, _, err = cli("train", "--model_name_or_path", "other", "--train_file", "train.json", "--output_dir", "first",
                       "--max_steps", "1", "--threads", "1")
    assert code == 0, err
    message = tune("--checkpoint_dir", "first/model")
    assert "adapter" in message and "first/model" in message


def test_a_model_that_is_not_there(tune: Callable[..., str]) -> None:
    assert "no such model folder" in tune(model="./nowhere")


def test_a_dev_file_without_labels(tune: Callable[..., str]) -> None:
    row = {k: v for k, v in ROW.items() if k != "output"} | {"id": "1"}
    Path("dev.json").write_text(json.dumps(row) + "\n", "utf-8")
    message = tune("--dev_file", "dev.json")
    assert "dev.json: row 1 has no label" in message
