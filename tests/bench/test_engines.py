"""Any engine: a server and a language model in a folder run the same road as a baseline."""

from __future__ import annotations

from pathlib import Path

from bench_examples import Run
from iepile.jsonl import read_rows
from server_double import Double
from tiny_models import byte_level_tokenizer, make_model


def texts(folder: Path) -> list[str]:
    return [row["text"] for _, row in read_rows(folder / "documents.jsonl")]


def test_a_server(run: Run, tmp_path: Path) -> None:
    with Double("vllm") as double:
        report = run(model=double.url, dataset=["handwritten_en", "staff_en"], limit=6)
        assert report.engine == "openai" and not report.failed
        asked = len(double.asked)
        assert set(double.texts) >= set(texts(tmp_path / "bench/handwritten_en-NER"))
        run(model=double.url, dataset=["handwritten_en", "staff_en"], limit=6)
        assert len(double.asked) == asked  # what is finished is not asked again


def test_a_server_that_fails_on_some_rows_is_asked_for_these_alone(run: Run, tmp_path: Path) -> None:
    bad: list[str] = []
    with Double("vllm", fault=lambda text, n: "400 refused" if text in bad else None) as double:
        settings = {"model": double.url, "dataset": ["handwritten_en"], "limit": 6}
        run(**settings, folder=str(tmp_path / "first"))
        bad.append(texts(tmp_path / "first/handwritten_en-NER")[2])
        report = run(**settings)
        assert [f.dataset for f in report.failed] == ["handwritten_en"] and "rows failed" in report.failed[0].problem
        failing = bad.pop()
        before = dict(double.texts)
        report = run(**settings)
        assert not report.failed and len(report.results) == 1
        again = {t for t, n in double.texts.items() if n > before.get(t, 0)}
        assert again - {'Say "hello".'} == {failing}  # what the engine greets a server with


def test_a_language_model_in_a_folder(run: Run, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", byte_level_tokenizer())
    report = run(model=str(folder), dataset=["handwritten_en"], limit=2, engine_options={"max_new_tokens": 60})
    assert report.engine == "transformers" and not report.failed and report.results[0].texts == 2
