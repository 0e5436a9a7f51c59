"""A whole run against servers that die, stumble or hang up: nothing asked twice, the same bytes in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import IepileError
from iepile.extraction.journal import journal_path
from iepile.extraction.predict import PredictConfig, predict
from iepile.extraction.server import pace
from iepile.instruction import Instruction
from iepile.instructions.wording import prompt
from iepile.jsonl import write_rows
from server_double import NAMES, Double

ROWS = 60


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.01)


def config(folder: Path, double: Double, output: str, **options: Any) -> PredictConfig:
    source = folder / "in.json"
    if not source.exists():
        texts = [f"{NAMES[n % 4]} met {NAMES[(n + 1) % 5]}, day {n}." for n in range(ROWS)]
        write_rows(source, [{"id": str(n), "task": "NER", "instruction": Instruction(
            prompt("NER", "en"), ["person"], t).render()} for n, t in enumerate(texts)])
    return PredictConfig(input_file=str(source), output_file=str(folder / output), model=double.url,
                         engine_options={"retries": 1, "concurrency": 4, "max_new_tokens": 60, **options})


def test_a_server_that_dies_in_the_middle(tmp_path: Path) -> None:
    with Double("vllm") as double:
        port = double.port
        predict(config(tmp_path, double, "whole.json"))
        whole = (tmp_path / "whole.json").read_bytes()
        assert all(n == 1 for t, n in double.texts.items() if "met" in t) and b"\xe5\xba\xb7" in whole
    answered: list[str] = []
    lock = threading.Lock()

    def dies(text: str, n: int) -> str | None:
        with lock:
            if len(answered) == 25:
                return "reset"
            answered.extend([text] if "met" in text else [])
            return None

    with Double("vllm", fault=dies, port=port) as double:
        broken = config(tmp_path, double, "out.json")
        with pytest.raises(IepileError, match="answers so far are kept"):
            predict(broken)
        assert journal_path(broken.output_file).exists() and not Path(broken.output_file).exists()
        lines = journal_path(broken.output_file).read_text("utf-8").splitlines()[1:]
        assert sum(json.loads(line)["completion"]["finish"] == "stop" for line in lines) == 25
    with Double("vllm", port=port) as double:
        summary = predict(config(tmp_path, double, "out.json"))
        assert summary.resumed == 25 and summary.errors == 0
        asked = [t for t in double.texts if "met" in t]
        assert len(asked) == ROWS - 25 and not set(asked) & set(answered)
        assert all(double.texts[t] == 1 for t in asked)
    assert (tmp_path / "out.json").read_bytes() == whole


FAULTS = ["500", "429 0.01", "garbage", "half", "reset", None, None]


def test_a_server_that_stumbles_all_the_time(tmp_path: Path) -> None:
    with Double("vllm") as double:
        predict(config(tmp_path, double, "whole.json"))
    with Double("vllm", fault=lambda text, n: FAULTS[(len(text) + 3 * n + int(text[-3:-1])) % 7]
                if "met" in text and n < 4 else None) as double:
        summary = predict(config(tmp_path, double, "out.json", retries=4))
        assert summary.errors == 0 and sum(double.texts.values()) > ROWS + 20
    assert (tmp_path / "out.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_a_request_that_never_works_is_counted_and_the_others_are_there(tmp_path: Path) -> None:
    with Double("vllm", fault=lambda text, n: "500" if text.endswith("day 7.") else None) as double:
        summary = predict(config(tmp_path, double, "out.json"))
    rows = [json.loads(line) for line in (tmp_path / "out.json").read_text("utf-8").splitlines()]
    assert summary.errors == 1 and "HTTP 500" in summary.first_error and len(rows) == ROWS
    assert rows[7]["error"] and all(r["facts"]["entities"] for n, r in enumerate(rows) if n != 7)


def test_kill_9_while_requests_are_in_flight(tmp_path: Path) -> None:
    with Double("vllm", delay=0.02) as double:
        predict(config(tmp_path, double, "whole.json"))
        whole = (tmp_path / "whole.json").read_bytes()
        double.texts.clear()
        asked = config(tmp_path, double, "out.json")
        code = ("import sys, json\nfrom iepile.extraction.predict import PredictConfig, predict\n"
                "predict(PredictConfig(**json.loads(sys.argv[1])))")
        given = {k: getattr(asked, k) for k in ("input_file", "output_file", "model", "engine_options")}
        process = subprocess.Popen([sys.executable, "-c", code, json.dumps(given)],
                                   env={**os.environ, "OMP_NUM_THREADS": "1"})
        started = time.monotonic()
        while sum("met" in t for t in double.texts) < ROWS // 2 and time.monotonic() - started < 60:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
        journal = journal_path(asked.output_file)
        kept = len(journal.read_bytes().splitlines()) - 1
        assert 10 < kept < ROWS
        before = dict(double.texts)
        time.sleep(0.1)
        summary = predict(asked)
        assert summary.resumed >= kept - 1
        again = [t for t, n in double.texts.items() if "met" in t and n > 1]
        assert len(again) <= sum("met" in t for t in before) - kept + 1  # only what was in flight is asked again
    assert (tmp_path / "out.json").read_bytes() == whole
