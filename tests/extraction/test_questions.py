"""Rows to answer: instructions of ours, and plain words with the text apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.job import PredictJob, predict_job
from iepile.extraction.predict import PredictConfig, predict
from iepile.extraction.questions import PLAIN, read_questions
from iepile.instruction import Instruction
from iepile.instructions.wording import prompt
from iepile.jsonl import read_rows, write_rows

ASKED = {"id": "1", "instruction": Instruction(prompt("NER", "en"), ["person"], "Ada left.").render()}
WORDS = {"id": "2", "instruction": "抽取三元组。", "input": "甲生于乙。", "output": "gold", "cate": "人物"}


class Echo:
    """Says what it was asked."""

    name = "echo"

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for r in requests:
            yield Completion(r.key, f"{r.task}|{r.instruction}|{r.input}" if r.task == PLAIN else '{"person": ["Ada"]}')

    def close(self) -> None:
        pass


def test_rows_of_both_kinds_in_one_file(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [ASKED, WORDS])
    ours, plain = read_questions(str(tmp_path / "in.json"))
    assert (ours.task, ours.input) == ("NER", "")
    assert (plain.task, plain.instruction, plain.input) == (PLAIN, "抽取三元组。", "甲生于乙。")
    predict(PredictConfig(str(tmp_path / "in.json"), str(tmp_path / "out.json")), Echo())
    first, second = (r for _, r in read_rows(tmp_path / "out.json"))
    assert first["facts"]["entities"][0]["span"]["text"] == "Ada"
    # What the row holds stays, its output is replaced, and nobody reads facts out of plain words.
    assert second == {"id": "2", "instruction": "抽取三元组。", "input": "甲生于乙。", "cate": "人物",
                      "output": "|抽取三元组。|甲生于乙。"}


@pytest.mark.parametrize("row", [
    {"instruction": "words alone"},
    {"instruction": '{"instruction": "broken', "input": "x"},
    {"instruction": "words", "input": "x", "task": "NER"},
])
def test_what_only_looks_plain_is_refused(row: dict[str, str], tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [row])
    with pytest.raises(InputError, match="not an instruction") as e:
        list(read_questions(str(tmp_path / "in.json")))
    assert e.value.line == 1


def test_the_compact_model_takes_no_plain_words(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [ASKED, WORDS])
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text('{"kind": "compact"}')
    with pytest.raises(InputError, match="1 of 2 rows ask in plain words"):
        predict(PredictConfig(str(tmp_path / "in.json"), str(tmp_path / "out.json"), str(tmp_path / "model")))
    assert not (tmp_path / "out.json").exists()


def test_a_number_is_a_gpu_where_there_is_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    write_rows(tmp_path / "in.json", [ASKED])
    with pytest.raises(InputError, match="no such model folder"):
        predict_job(PredictJob(input_file=str(tmp_path / "in.json"), output_file=str(tmp_path / "o.json"),
                               model=str(tmp_path / "none"), device="0"))
    assert "there is no GPU here" in caplog.text
