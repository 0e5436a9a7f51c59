"""Conversion on a Ray cluster of two nodes, one of which is killed in the middle: the same bytes all the same."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import iepile.corpus.convert as module
from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.parallel import ordered_map
from iepile.errors import IepileError, InputError
from toy_jobs import blobs, dying, maker, refusing, unbuildable

pytestmark = [
    pytest.mark.slow,
    # Of Ray's own making: what it starts it closes when the session ends, and pipes it leaves to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
RECORDS = 6000


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    pytest.importorskip("ray", reason="ray is an extra")
    for name, value in {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
                        "RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "3"}.items():
        monkeypatch.setenv(name, value)
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def source(folder: Path) -> ConvertConfig:
    folder.mkdir()
    with (folder / "sample.json").open("w", encoding="utf-8") as f:
        for i in range(RECORDS):
            f.write(json.dumps({"text": f"Ada met Bob in town {i}.", "relation": [
                {"head": "Ada", "relation": f"r{i % 40}", "tail": "Bob"}]}) + "\n")
    (folder / "schema.json").write_text("[]\n" + json.dumps([f"r{n}" for n in range(40)]) + "\n{}\n")
    return ConvertConfig(src_path=str(folder / "sample.json"), tgt_path=str(folder / "one.json"), task="RE",
                         schema_path=str(folder / "schema.json"), random_sort=True)


def marked(mark: str) -> list[int]:
    """Processes that were started with `mark` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_killed_node_changes_nothing(tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config = source(tmp_path / "mine")
    convert(config)
    lost = next(n for n in cluster.list_all_nodes() if not n.is_head())
    done = 0

    def killing(*args: Any) -> Iterator[Any]:
        nonlocal done
        for result in ordered_map(*args):
            yield result
            done += 1
            if done == 5:  # its results on their way home die with it, and so does the job it has begun
                cluster.remove_node(lost, allow_graceful=False)

    monkeypatch.setattr(module, "ordered_map", killing)
    monkeypatch.chdir(tmp_path / "mine")  # where Ray's processes are not
    config.src_path, config.schema_path = "sample.json", "schema.json"
    config.tgt_path, config.ray = str(tmp_path / "ray.json"), cluster.address
    summary = convert(config)
    assert (summary.records, len(cluster.list_all_nodes())) == (RECORDS, 1)
    assert done > 5
    assert (tmp_path / "ray.json").read_bytes() == (tmp_path / "mine" / "one.json").read_bytes()


def test_a_cluster_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="ray is an extra")
    mark = f"IEPILE_TEST_MARK={os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.setenv(*mark.split("="))
    config = source(tmp_path / "mine")
    convert(config)
    config.tgt_path, config.ray, config.workers = str(tmp_path / "ray.json"), "local", 2
    seen: list[int] = []

    def looking(*args: Any) -> Iterator[Any]:
        for result in ordered_map(*args):
            seen.extend(marked(mark) if not seen else ())
            yield result

    monkeypatch.setattr(module, "ordered_map", looking)
    convert(config)
    assert capfd.readouterr() == ("", "")
    assert len(seen) > 2  # what is gone in the end was there
    assert (tmp_path / "ray.json").read_bytes() == (tmp_path / "mine" / "one.json").read_bytes()
    bad = (tmp_path / "mine" / "sample.json")
    bad.write_text("".join(bad.read_text().splitlines(True)[:1000]) + '{"text": 5, "relation": []}\n')
    with pytest.raises(InputError) as e:
        convert(config)
    assert (e.value.file, e.value.line, e.value.field) == (str(bad), 1001, "text")
    end = time.monotonic() + 30
    while marked(mark):
        assert time.monotonic() < end, "Ray left processes behind"
        time.sleep(0.2)


def test_an_ordered_map_on_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests/corpus/test_parallel.py asks of processes, over several windows of one connection."""
    ray = pytest.importorskip("ray", reason="ray is an extra")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)  # where Ray's processes find toy_jobs
    monkeypatch.setattr("iepile.corpus.cluster.JOBS_A_CPU", 7)
    ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False)
    read = 0

    def jobs(n: int) -> Iterator[int]:
        nonlocal read
        for read in range(n):
            yield read % 100
        raise InputError("not JSON", line=n + 1)

    try:
        for i, (n, process, *made) in enumerate(ordered_map(maker, range(60), ray="local")):
            assert (i, *(bytes(b.data) for b in made)) == (n, *blobs(n))
            assert process != os.getpid()
        assert (i, list(ordered_map(maker, [], ray="local"))) == (59, [])
        for stop, fault in ((4, "a.json:4: bad"), (-1, ":7: not JSON")):
            results = ordered_map(partial(refusing, stop), jobs(6), ray="local")
            assert [next(results) for _ in range(stop % 7)] == list(range(stop % 7))
            with pytest.raises(InputError, match=fault):
                next(results)
        with pytest.raises(InputError, match=r"schema.json: no such schema"):
            list(ordered_map(unbuildable, range(3), ray="local"))
        with pytest.raises(IepileError, match="Ray gave up on a job"):
            list(ordered_map(partial(dying, 5), range(30), ray="local"))
        results = ordered_map(partial(maker, None, 0.3), jobs(10**9), ray="local")
        next(results)
        assert read < 2 * 7
        results.close()  # type: ignore[attr-defined]
        end = time.monotonic() + 20
        while ray.available_resources().get("CPU") != 2:
            assert time.monotonic() < end, "work goes on that nobody waits for"
            time.sleep(0.1)
    finally:
        ray.shutdown()


def test_no_cluster_there(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is an extra")
    os.environ.pop("RAY_ADDRESS", None)
    with pytest.raises(InputError, match="no Ray cluster at 'auto'"):
        list(ordered_map(str, range(3), ray="auto"))  # type: ignore[arg-type, var-annotated]
