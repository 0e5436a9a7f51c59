"""The road of a language model on the command line: tune, answer under the grammar, score, graph."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tiny_models import byte_level_tokenizer, make_model

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
def test_tune_predict_evaluate(cli: Cli, here: Path) -> None:
    convert = ("convert", "--src_path", "docs.jsonl", "--schema_path", "schema.json")
    assert cli(*convert, "--tgt_path", "train.json")[0] == 0
    assert cli(*convert, "--tgt_path", "test.json", "--split", "test")[0] == 0
    make_model(here / "base", byte_level_tokenizer([Path("train.json").read_text("utf-8")]))
    code, out, _ = cli("train", "--model_name_or_path", "base", "--train_file", "train.json", "--output_dir", "llm",
                       "--finetuning_type", "full", "--max_steps", "3", "--learning_rate", "1e-3", "--json")
    assert code == 0 and json.loads(out)["steps"] == 3
    for more in ((), ("--overwrite", "--free", "--max_new_tokens", "20")):
        code, out, _ = cli("predict", "--model", "llm", "--input_file", "test.json", "--output_file", "p.json",
                           "--json", *more)
        summary = json.loads(out)
        assert code == 0 and summary["rows"] == 3 and summary["engine"] == "transformers" and not summary["errors"]
        if not more:  # a model that knows nothing, and yet nothing invalid or invented
            assert summary["invalid"] == summary["salvaged"] == summary["ungrounded"] == 0
    assert cli("evaluate", "--path1", "p.json")[0] == 0
    assert cli("kg", "--input_file", "p.json", "--output_file", "g.graphml")[0] == 0
    text = "青麦食品。"
    code, out, _ = cli("extract", "--model", "llm", "--schema_path", "schema.json", "--task", "NER", "--text", text,
                       "--json")
    assert code == 0
    assert all(e["span"]["text"] in text for e in json.loads(out)["facts"].get("entities", []))
