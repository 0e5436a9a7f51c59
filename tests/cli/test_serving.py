"""`iepile serve`: what it prints, and what it says where it cannot start."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

Cli = Callable[..., tuple[int, str, str]]


def test_it_tells_where_it_listens_and_which_models_it_holds(compact_model: Path, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text(f"model: {compact_model}\nport: 0\ndata_dir: {tmp_path / 'data'}\nmodels:\n"
                      f"  other: {compact_model}\n")
    process = subprocess.Popen([sys.executable, "-m", "iepile", "serve", "--config", str(config), "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["models"] == ["default", "other"]
        open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        body = json.dumps({"text": "Ada.", "schema": "人物", "model": "other"}).encode()
        request = urllib.request.Request(told["address"] + "/v1/extract", body, {"Content-Type": "application/json"})
        with open_url(request, timeout=30) as answer:
            assert json.load(answer)["model"] == "other"
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and out == "" and "stopping" in err and "Traceback" not in err


def test_in_words_for_people(compact_model: Path, tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "iepile", "serve", str(compact_model), "--port", "0",
                                "--data-dir", str(tmp_path / "data")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    assert process.stdout is not None
    first, second = process.stdout.readline(), process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert first.startswith("serving default at http://127.0.0.1:") and "/docs" in second
    assert process.returncode == 0


@pytest.mark.parametrize(("flags", "said"), [
    (("--port", "0"), "no model"),
    (("nowhere", "--port", "0"), "nowhere"),
    (("nowhere", "--port", "99999"), "port 99999"),
    (("nowhere", "--host", "0.0.0.0", "--port", "0"), "--open"),
    (("nowhere", "--token_file", "none.txt", "--port", "0"), "none.txt"),
    (("nowhere", "--schemas", "none", "--port", "0"), "no such folder"),
    (("nowhere", "--timeout", "0"), "timeout"),
    (("nowhere", "--que", "3"), "--que"),
    (("nowhere", "--cors", "example.org"), "origin"),
])
def test_what_it_cannot_do_is_told_in_one_message(flags: tuple[str, ...], said: str, here: Path, cli: Cli) -> None:
    code, out, err = cli("serve", *flags)
    assert code == 2 and not out and said in err and "Traceback" not in err, err


def test_a_port_in_use_is_told(here: Path, cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, err = cli("serve", "nowhere", "--port", port)
    assert code == 2 and f"port {port} of 127.0.0.1 is in use" in err and "--port 0" in err


def test_help_names_the_flags_and_needs_no_library_of_the_service() -> None:
    code = ("import sys\nfor name in ('fastapi', 'uvicorn', 'prometheus_client', 'torch'): sys.modules[name] = None\n"
            "from iepile.cli.main import main\nsys.exit(main(['serve', '--help']))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for flag in ("--token-file", "--open", "--hosts", "--cors", "--rate", "--queue", "--max-body", "--log-requests"):
        assert flag in done.stdout, flag


def test_without_its_libraries_it_says_what_to_install() -> None:
    code = ("import sys\nsys.modules['uvicorn'] = None\n"
            "from iepile.cli.main import main\nsys.exit(main(['serve', 'nowhere']))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "pip install 'iepile[serve]'" in done.stderr, done.stderr
