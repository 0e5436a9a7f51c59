"""Dictionaries learned from the example data, and what runs a benchmark with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench_examples import EXAMPLES, SUITE, Run
from iepile.bench.bench import BenchConfig, bench
from iepile.bench.report import BenchReport


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model."""
    from iepile.corpus.build_read import read_data_set
    from iepile.corpus.catalog import load_card
    from iepile.corpus.convert import ConvertConfig, convert
    from iepile.corpus.plan import Plan
    from iepile.training.baselines import DictionaryJob, train_baseline

    folder = tmp_path_factory.mktemp("model")
    files = []
    for name, tasks in (("notices_zh", "NER"), ("staff_en", "NER,RE"), ("events_zh", "EE")):
        card = load_card(EXAMPLES / f"corpus/cards/{name}.yaml")
        found = card.find(EXAMPLES)
        assert found is not None
        read_data_set(found, Plan(), folder / name)
        files.append(str(folder / f"{name}.rows.jsonl"))
        convert(ConvertConfig(src_path=str(folder / name / "train.jsonl"), tgt_path=files[-1], task=tasks, split_num=-1,
                              schema_path=str(folder / name / "schema.json"), language=card.language))
    train_baseline(DictionaryJob(train_file=files, output_dir=str(folder / "run")))
    return folder / "run/model"


@pytest.fixture
def run(model: Path, tmp_path: Path) -> Run:
    """Runs the suite of the examples; `events` gets (data set, what)."""

    def go(events: list[tuple[str, str]] | None = None, **settings: Any) -> BenchReport:
        config: dict[str, Any] = {"root": str(EXAMPLES), "suite": str(SUITE), "model": str(model),
                                  "folder": str(tmp_path / "bench"), **settings}
        said = [] if events is None else events
        return bench(BenchConfig(**config), lambda c, what, words: said.append((c.card.name, what)))

    return go
