"""Every command of the pages about the service and about files as input runs, and gives what its page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from tests.reading.made import excel, pdf, running

from iepile.service.config import ServeConfig
from iepile.service.uploads import UploadLimits
from served_models import SCHEMA, talkative
from server_process import free_port
from server_process import running as server
from service_client import in_thread

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ("service", "service_page", "service_jobs", "service_chat", "documents")
BLOCK = re.compile(r"(<!-- not run: [^\n]*-->\n)?^```(bash|python)\n(.*?)^```$", re.M | re.S)
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


def blocks(page: str, language: str = "en") -> list[tuple[str, str, str]]:
    """(the note that says why it is not run or "", bash or python, code) of each block."""
    return BLOCK.findall((DOCS / language / f"{page}.md").read_text("utf-8"))


def run(page: str, folder: Path, changes: dict[str, str], first: int = 0) -> list[str]:
    """What each block says, from the block `first` on, with some words of the page in another form.

    One shell runs them all, because later commands use what earlier ones set. Services that the page starts write their
    process into `NAME.pid`; they are ended in any case.
    """
    lines = []
    for note, kind, code in blocks(page)[first:]:
        if not note:
            body = code if kind == "bash" else f"python - <<'END'\n{code}END\n"
            lines.append(f"echo '#block'\n{body}\necho")
    script = "\n".join(lines)
    for old, new in changes.items():
        assert old in script, old
        script = script.replace(old, new)
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1",
                    "NO_COLOR": "1"}
    try:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment,
                              capture_output=True, text=True, check=False, timeout=240)
        logs = "".join(log.read_text("utf-8") for log in folder.glob("*.log"))
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}\n{logs[-2000:]}"
    finally:
        for pid in folder.glob("*.pid"):
            _end(int(pid.read_text()))
    return re.split(r"^#block\n", done.stdout, flags=re.M)[1:]


def _end(process: int) -> None:
    """Wait until a process that was told to end is gone; end it where it was not told."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(process, sent)
            for _ in range(100):
                os.kill(process, 0)
                time.sleep(0.1)
        except ProcessLookupError:
            return


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_commands(page: str) -> None:
    assert blocks(page) == blocks(page, "zh") and len(blocks(page)) > 1


@needs_curl
@pytest.mark.timeout(300)
def test_the_page_of_the_service(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/data", tmp_path / "examples/data")
    smaller = {"--n 300": "--n 40", "--tokens 120000": "--tokens 12000"}
    said = run("service", tmp_path, {"8008": str(free_port()), **smaller})
    started, asked, lines, schemas, watched = said[1], said[2], said[3], said[4], said[5]
    assert json.loads(started)["state"] == "ready"
    one, two = (json.loads(line) for line in re.findall(r'\{"model".*?"seconds":[\d.]+\}', asked))
    assert one["documents"][0].keys() == {"text", "entity"} and len(two["documents"]) == 2
    assert {"entity", "relation", "event"} <= two["documents"][0].keys()
    assert [line.split(" [")[0] for line in lines.split("\n") if line] == [
        "Ada Brook left Callum Bay.", "Dan Hale works for Tessel Foods."]
    assert '{"name":"news",' in schemas and '"name":"instructie:Person"' in schemas
    assert '"tasks":["NER","EE"]' in schemas
    assert "iepile_batch_size_sum{" in watched and 'route="/v1/extract",status="200"} 3.0' in watched
    assert "/v1/extract" in json.loads((tmp_path / "openapi.json").read_text("utf-8"))["paths"]
    assert "serving default at http://127.0.0.1:" in (tmp_path / "serve.log").read_text("utf-8")


@needs_curl
@pytest.mark.timeout(300)
def test_the_page_for_openai_clients(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    said = run("service_chat", tmp_path, {"8009": str(free_port()), "--n 200": "--n 12"})
    assert '{"state":"ready"' in said[0]
    assert '"owned_by":"iepile"' in said[1] and "data: [DONE]" in said[1]
    assert re.match(r'\{"city": "', said[2]) and "CompletionUsage(" in said[2]
    assert json.loads(json.loads(said[3])["choices"][0]["message"]["content"]).keys() == {"person"}
    assert len((tmp_path / "chat.answers.json").read_text("utf-8").splitlines()) == 24


@needs_curl
def test_the_page_about_jobs(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    config = ServeConfig(model=str(talkative(tmp_path / "model")), data_dir=str(tmp_path / "data"), page=False)
    with in_thread(config) as client:
        said = run("service_jobs", work, {"127.0.0.1:8000": f"127.0.0.1:{client.port}"})
    problems = re.findall(r'"problem":"([^"]*)"', "".join(said))
    assert set(problems) <= {"the job is done", "the job is being stopped", "the job is waiting",
                             "the job is running"}, problems
    assert json.loads((work / "job.json").read_text())["state"] == "waiting"
    assert "event: state" in said[2] and '"state":"done"' in said[2]
    assert [json.loads(line)["id"] for line in (work / "result.jsonl").read_text("utf-8").splitlines()] == [
        "staff.md", "news.txt"]
    assert (work / "graph.ttl").read_text("utf-8").startswith("@prefix")
    assert '"columns":["head","relation","tail","document"]' in said[4]
    assert '"place": "paragraph' in said[4] or '"place":"paragraph' in said[4]
    assert '"x":' in said[5]
    assert any(part.startswith("done {") for part in said)


@needs_curl
def test_the_page_about_the_web_page(tmp_path: Path) -> None:
    talkative(tmp_path / "runs/quickstart/train/model")
    (tmp_path / "schema.yaml").write_text(json.dumps(SCHEMA), "utf-8")
    port = free_port()
    ((_, _, start), *_) = blocks("service_page")
    name, *arguments = start.replace("8000", str(port)).split()
    assert name == "iepile"
    # Its own folder: the command keeps its data below the one it is started in.
    command = ["bash", "-c", 'cd "$0" && exec "$@"', str(tmp_path), sys.executable, "-m", "iepile", *arguments]
    with server(command, port, "/", tmp_path / "serve.log") as address:
        text = "Ada works for Acme Inc. now."
        kept = {"document": {"text": text, "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]}]}}
        subprocess.run(["curl", "-sf", "--noproxy", "*", f"{address}/corrections", "-d", json.dumps(kept),
                        "-H", "Content-Type: application/json"], check=True, capture_output=True)
        run("service_page", tmp_path, {"8000": str(port)}, first=1)
    (row, *_) = (json.loads(line) for line in (tmp_path / "rows.json").read_text("utf-8").splitlines())
    assert json.loads(row["output"])["person"] == ["Ada"]


@pytest.mark.timeout(300)
def test_the_page_about_files(tmp_path: Path) -> None:
    for package in ("lxml", "pypdfium2", "openpyxl", "docx"):
        pytest.importorskip(package)
    talkative(tmp_path / "runs/small/model")
    (tmp_path / "report.pdf").write_bytes(pdf(running(["Ada works for Acme Inc. now."]), running(["Bolt fired Dan."])))
    table = [["id", "body"], [1, "Cora works for Bolt now."], [2, "Bolt fired Dan."]]
    (tmp_path / "table.xlsx").write_bytes(excel(table))
    (tmp_path / "folder/below").mkdir(parents=True)
    (tmp_path / "folder/a.txt").write_text("Ada works for Bolt now.", "utf-8")
    (tmp_path / "folder/below/b.md").write_text("# Staff\n\nBolt fired Dan.\n", "utf-8")
    (tmp_path / "folder/bad.pdf").write_bytes(b"%PDF-1.7 and no more")
    said = run("documents", tmp_path, {})
    documents = {name: [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text("utf-8").splitlines()]
                 for name in ("report", "folder", "table")}
    assert [d["id"] for d in documents["report"]] == ["report.pdf"]
    assert [p["page"] for p in documents["report"][0]["meta"]["places"]] == [1, 2]
    assert [d["text"] for d in documents["table"]] == ["Cora works for Bolt now.", "Bolt fired Dan."]
    assert [d["id"] for d in documents["folder"]] == ["a.txt", "below/b.md"]
    assert said[1].split("\n")[0] == "paragraph 2"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_limits_told_are_those_of_the_service(language: str) -> None:
    page = (DOCS / language / "service_jobs.md").read_text("utf-8")
    config, limits = ServeConfig(), UploadLimits()
    for option, value in (("max_upload", f"{config.max_upload} MiB"), ("max_file", f"{config.max_file} MiB"),
                          ("max_files", f"{config.max_files:,}"), ("max_body", f"{config.max_body} MiB")):
        assert re.search(rf"\| {value} \| `--{option}` \|", page), option
    assert (limits.idle, limits.seconds) == (30, 900)
