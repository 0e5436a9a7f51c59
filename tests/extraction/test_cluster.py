"""Predictions on a Ray cluster: the bytes of a run in one process, also when a node is killed in the middle."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import IepileError, InputError
from iepile.extraction.cluster import ClusterEngine
from iepile.extraction.predict import PredictConfig, predict
from iepile.jsonl import write_rows
from server_double import NAMES, Double
from tiny_models import byte_level_tokenizer, make_model
from toy_engines import NamesEngine, names_engine, no_engine

pytestmark = [
    pytest.mark.slow,
    # Of Ray's own making: what it starts it closes when the session ends, and pipes it leaves to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ROWS = 300


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    pytest.importorskip("ray", reason="ray is an extra")
    for name, value in {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
                        "RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "3"}.items():
        monkeypatch.setenv(name, value)
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)  # where Ray's processes find toy_engines
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(num_cpus=2, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_rows(tmp_path / "in.jsonl", ({"text": f"Ada met Bob {'x' * (n % 7)} in Town{n}."} for n in range(ROWS)))
    (tmp_path / "notes").mkdir()
    return tmp_path


def config(folder: Path, target: str) -> PredictConfig:
    return PredictConfig(str(folder / "in.jsonl"), str(folder / target), schema="name, place", orders=2)


def test_a_killed_node_changes_nothing(source: Path, cluster: Any) -> None:
    predict(config(source, "one.jsonl"), NamesEngine())
    lost = next(n for n in cluster.list_all_nodes() if not n.is_head())
    engine = ClusterEngine("names", partial(names_engine, str(source / "notes"), 0.01), 4, cluster.address, 2)
    done = 0

    def killing(rows: int, total: int) -> None:
        nonlocal done
        done += 1
        if done == 40:  # answers on their way home die with it, and so does what it has begun
            cluster.remove_node(lost, allow_graceful=False)

    try:
        summary = predict(config(source, "many.jsonl"), engine, killing)
    finally:
        engine.close()
    assert (summary.rows, summary.questions, len(cluster.list_all_nodes())) == (ROWS, 2 * ROWS, 1)
    assert (source / "many.jsonl").read_bytes() == (source / "one.jsonl").read_bytes()
    notes = Counter(p.name.split("-")[1] for p in (source / "notes").glob("asked-*"))
    assert len(notes) == 2 * ROWS and len(list((source / "notes").glob("opened-*"))) >= 2
    assert sum(notes.values()) < 3 * ROWS  # what was answered before the node died was kept


def test_faults_come_home_and_keep_what_is_answered(source: Path, cluster: Any) -> None:
    engine = ClusterEngine("names", no_engine, 4, cluster.address, 1)
    try:
        with pytest.raises(InputError, match="no such model"):
            predict(config(source, "out.jsonl"), engine)
    finally:
        engine.close()
    rows = [{"text": f"Ada {n}"} for n in range(60)]
    write_rows(source / "in.jsonl", [*rows, {"text": "broken"}])
    engine = ClusterEngine("names", partial(names_engine, str(source / "notes")), 4, cluster.address, 1)
    try:
        with pytest.raises(IepileError, match="breaks the engine"):
            predict(config(source, "out.jsonl"), engine)
        before = len(list((source / "notes").glob("asked-*")))
        with pytest.raises(IepileError, match="breaks the engine"):
            predict(config(source, "out.jsonl"), engine)
        assert len(list((source / "notes").glob("asked-*"))) - before <= 4
    finally:
        engine.close()


def test_a_language_model_on_a_cluster_of_our_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Windows by the model's own tokens, confidence and drawn answers: all as in one process, to the byte."""
    pytest.importorskip("ray", reason="ray is an extra")
    texts = [" ".join(f"Ada met Bob {'x' * (n * k % 5)} in Town{n}." for k in range(1 + n % 9)) for n in range(60)]
    make_model(tmp_path / "model", byte_level_tokenizer(texts))
    write_rows(tmp_path / "in.jsonl", ({"text": text} for text in texts))
    config = PredictConfig(
        str(tmp_path / "in.jsonl"), str(tmp_path / "one.jsonl"), str(tmp_path / "model"), schema="name, place",
        engine_options={"max_items": 2, "max_new_tokens": 48, "batch_size": 2, "device": "cpu"}, window=40, passes=2)
    whole = predict(config)
    config.output_file, config.cluster, config.workers = str(tmp_path / "many.jsonl"), "local", 2
    capfd.readouterr()
    summary = predict(config)
    out, err = capfd.readouterr()
    # Ray says of every pool of actors that they cannot restart when the node of the driver is gone.
    assert out == "" and all("constructor arguments" in line for line in err.splitlines())
    assert summary.questions == whole.questions > 200 and summary.cut_into_windows == whole.cut_into_windows > 10
    assert (tmp_path / "many.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


def test_a_server_asked_from_a_cluster_of_our_own(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is an extra")
    write_rows(tmp_path / "in.jsonl", ({"text": f"{NAMES[n % 4]} met {NAMES[n % 3]} on day {n}. " * (1 + n % 5)}
                                       for n in range(80)))
    with Double("vllm") as double:
        config = PredictConfig(str(tmp_path / "in.jsonl"), str(tmp_path / "one.jsonl"), double.url,
                               schema="person, place", window=30, engine_options={"max_new_tokens": 60})
        predict(config)
        before = double.texts.copy()
        config.output_file, config.cluster, config.workers = str(tmp_path / "many.jsonl"), "local", 2
        summary = predict(config)
        met = {text: n for text, n in (double.texts - before).items() if "met" in text}
    assert (tmp_path / "many.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
    assert sum(met.values()) == summary.questions > 80


def test_no_cluster_there() -> None:
    pytest.importorskip("ray", reason="ray is an extra")
    with pytest.raises(InputError, match="no Ray cluster at"):
        ClusterEngine("names", no_engine, 1, "127.0.0.1:1", 1)
