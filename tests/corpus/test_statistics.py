"""Statistics: counts by data set, task, language and domain; the JSON; the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.statistics import StatsConfig, count_tokens, stats
from iepile.errors import InputError

ZH = {"text": "林小雨到青岛", "source": "甲", "entity": [
    {"entity": "林小雨", "entity_type": "人物"}, {"entity": "青岛", "entity_type": "地点"}]}
EMPTY = {"text": "今天天气好", "source": "甲", "entity": []}
EN = {"text": "Ada met Bob.", "source": "b", "entity": [],
      "relation": [{"head": "Ada", "relation": "knows", "tail": "Bob"}]}


def write(path: Path, *rows: dict) -> str:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return str(path)


def test_tokens() -> None:
    assert count_tokens("") == 0 and count_tokens("a_b 12,5%") == 7 and count_tokens("北京 2024年") == 4


def test_documents_are_counted_once_for_each_annotation(tmp_path: Path) -> None:
    file = write(tmp_path / "d.jsonl", ZH, EMPTY, EN, {"text": "Nobody looked."})
    result = stats(StatsConfig(input_files=[file], domains=["甲=news"], output=str(tmp_path / "s.json")))
    cells = {(c.source, c.task): c for c in result.cells}
    zh = cells["甲", "NER"]
    assert (zh.language, zh.domain, zh.records, zh.empty, zh.facts, zh.tokens) == ("zh", "news", 2, 1, 2, 11)
    assert zh.labels == {"人物": 1, "地点": 1} and zh.lengths == {8: 2}
    assert cells["b", "RE"].labels == {"knows": 1} and cells["b", "NER"].empty == 1
    assert cells["unknown", "unannotated"].records == 1
    written = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert written["by"]["language"]["zh"] == {"records": 2, "empty": 1, "facts": 2, "tokens": 11}
    assert list(written["by"]["source"]) == ["甲", "b", "unknown"]


@pytest.mark.parametrize("split", ["train", "test"])
def test_rows_count_what_is_asked_and_found(tmp_path: Path, split: str) -> None:
    source = write(tmp_path / "d.jsonl", ZH, EMPTY)
    (tmp_path / "schema.json").write_text('["人物", "地点", "机构"]\n[]\n{}\n', encoding="utf-8")
    rows = str(tmp_path / "rows.jsonl")
    convert(ConvertConfig(src_path=source, tgt_path=rows, schema_path=str(tmp_path / "schema.json"), split_num=1,
                          split=split))
    (cell,) = stats(StatsConfig(input_files=[rows])).cells
    assert (cell.records, cell.empty, cell.facts) == (6, 4, 2)
    assert cell.asked == {"人物": 2, "地点": 2, "机构": 2} and cell.labels == {"人物": 1, "地点": 1}


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("words", ["guide", "varied"])
def test_rows_that_ask_in_words_are_counted_too(tmp_path: Path, split: str, words: str) -> None:
    source = write(tmp_path / "d.jsonl", EN, {"text": "Nobody met.", "source": "b", "relation": []})
    (tmp_path / "schema.json").write_text('[]\n["knows", "likes"]\n{}\n', encoding="utf-8")
    rows = str(tmp_path / "rows.jsonl")
    convert(ConvertConfig(src_path=source, tgt_path=rows, schema_path=str(tmp_path / "schema.json"), split_num=-1,
                          task="TRIPLES", language="en", words=words, split=split))  # type: ignore[arg-type]
    (cell,) = stats(StatsConfig(input_files=[rows])).cells
    assert (cell.source, cell.task, cell.language) == ("b", "TRIPLES", "en")
    assert (cell.records, cell.empty, cell.facts) == (2, 1, 1)
    assert cell.asked == {"knows": 2, "likes": 2} and cell.labels == {"knows": 1} and cell.tokens > 30


def test_the_page_holds_the_figures_and_the_chart_library(tmp_path: Path) -> None:
    page = tmp_path / "s.html"
    result = stats(StatsConfig(input_files=[write(tmp_path / "d.jsonl", ZH, EN)], page=str(page)))
    text = page.read_text("utf-8")
    inside = re.search(r"const data = (.*);\n", text)
    assert inside and json.loads(inside[1]) == json.loads(json.dumps(result.to_dict()))
    assert "Apache Software Foundation" in text and "<b>2</b><span>data sets</span>" in text


def test_a_tokenizer_can_count(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {c: n for n, c in enumerate(["[UNK]", *"林小雨到青岛"])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (cell,) = stats(StatsConfig(input_files=[write(tmp_path / "d.jsonl", ZH)], tokenizer=str(tmp_path))).cells
    assert cell.tokens == len(tokenizer.encode(ZH["text"]).ids)


def test_bad_input_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "d.jsonl", ZH, {"task": "NER", "instruction": "{"})
    with pytest.raises(InputError, match="instruction") as info:
        stats(StatsConfig(input_files=[file]))
    assert info.value.line == 2
    with pytest.raises(InputError, match="source=domain"):
        stats(StatsConfig(input_files=[file], domains=["x"]))
    with pytest.raises(InputError, match="tokenizer"):
        stats(StatsConfig(input_files=[file], tokenizer=str(tmp_path / "none.json")))
