"""Every command of the page about jobs runs against a service, and gives what the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from iepile.service.config import ServeConfig
from iepile.service.uploads import UploadLimits
from served_models import talkative
from service_client import in_thread

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.M | re.S)


def blocks(language: str) -> list[tuple[str, str]]:
    return BLOCK.findall((DOCS / language / "service_jobs.md").read_text("utf-8"))


def test_both_languages_have_the_same_commands() -> None:
    assert blocks("en") == blocks("zh") and len(blocks("en")) > 6


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_commands_run(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    config = ServeConfig(model=str(talkative(tmp_path / "model")), data_dir=str(tmp_path / "data"), page=False)
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with in_thread(config) as client:
        address = f"127.0.0.1:{client.port}"
        # One shell for all of them: later commands use what earlier ones set.
        shell = "\n".join(f"echo '#{n}'\n{code}\necho" for n, (kind, code) in enumerate(blocks("en")) if kind == "bash")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", shell.replace("127.0.0.1:8000", address)],
                              cwd=work, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        parts = re.split(r"^#\d+\n", done.stdout, flags=re.M)[1:]
        problems = re.findall(r'"problem":"([^"]*)"', done.stdout)
        assert set(problems) <= {"the job is done", "the job is being stopped", "the job is waiting",
                                 "the job is running"}, problems
        assert json.loads((work / "job.json").read_text())["state"] == "waiting"
        assert "event: state" in parts[2] and '"state":"done"' in parts[2]
        assert [json.loads(line)["id"] for line in (work / "result.jsonl").read_text("utf-8").splitlines()] == [
            "staff.md", "news.txt"]
        assert (work / "graph.ttl").read_text("utf-8").startswith("@prefix")
        assert '"columns":["head","relation","tail","document"]' in parts[4]
        assert '"place": "paragraph' in parts[4] or '"place":"paragraph' in parts[4]
        assert '"x":' in parts[5]
        (program,) = [code for kind, code in blocks("en") if kind == "python"]
        said = subprocess.run([sys.executable, "-c", program.replace("127.0.0.1:8000", address)], cwd=work,
                              env=environment, capture_output=True, text=True, check=False)
        assert said.returncode == 0 and said.stdout.startswith("done {"), said.stderr


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_limits_told_are_those_of_the_service(language: str) -> None:
    page = (DOCS / language / "service_jobs.md").read_text("utf-8")
    config, limits = ServeConfig(), UploadLimits()
    for option, value in (("max_upload", f"{config.max_upload} MiB"), ("max_file", f"{config.max_file} MiB"),
                          ("max_files", f"{config.max_files:,}"), ("max_body", f"{config.max_body} MiB")):
        assert re.search(rf"\| {value} \| `--{option}` \|", page), option
    assert (limits.idle, limits.seconds) == (30, 900)
