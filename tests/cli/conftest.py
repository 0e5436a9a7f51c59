"""What the tests of the command line share: small data in the current folder, and a model trained for two steps."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iepile.cli import show
from iepile.cli.main import main

# Threads of torch wait for one another where other work runs: tiny models are ten times slower with two.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TEXT = "沈望舒于1993年在临溪镇创立了青麦食品。"
DOCUMENT = {
    "text": TEXT, "id": "a", "language": "zh",
    "entity": [{"entity": "沈望舒", "entity_type": "人物", "pos": [0, 3]},
               {"entity": "临溪镇", "entity_type": "地点", "pos": [10, 13]}],
}
SCHEMA = '["人物", "地点", "机构"]\n[]\n{}\n'


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    if torch:
        torch.set_num_threads(1)
    yield
    if torch:
        torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _plain() -> Iterator[None]:
    yield
    show.as_json = False  # one process, many commands


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, holding docs.jsonl (three documents) and schema.json."""
    monkeypatch.chdir(tmp_path)
    docs = [DOCUMENT, {"text": "无事发生。", "id": "b", "entity": []}, {**DOCUMENT, "id": "c"}]
    Path("docs.jsonl").write_text("".join(json.dumps(d, ensure_ascii=False) + "\n" for d in docs), "utf-8")
    Path("schema.json").write_text(SCHEMA, "utf-8")
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Call `iepile ...` in this process: (exit code, standard output, standard error)."""

    def call(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(argv)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="session")
def compact_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compact model that has seen two batches: it runs, and knows nothing."""
    from iepile.corpus.convert import ConvertConfig, convert
    from iepile.training.compact_rows import CompactJob, train_compact

    folder = tmp_path_factory.mktemp("compact")
    (folder / "docs.jsonl").write_text(json.dumps(DOCUMENT) + "\n", "utf-8")
    (folder / "schema.json").write_text(SCHEMA, "utf-8")
    convert(ConvertConfig(src_path=f"{folder}/docs.jsonl", schema_path=f"{folder}/schema.json",
                          tgt_path=f"{folder}/rows.json", positions=True))
    train_compact(CompactJob(train_file=[f"{folder}/rows.json"], valid_share=0, output_dir=f"{folder}/run",
                             max_steps=2, threads=1))
    return folder / "run" / "model"
