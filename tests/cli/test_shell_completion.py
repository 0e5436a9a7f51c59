"""Completion in the shells themselves: what is typed and a press of Tab give what the documentation names."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iepile.cli.graph import ACTIONS
from iepile.cli.main import VERBS, main
from iepile.cli.shell_completion import Command, Flag, commands, script
from iepile.cli.shell_tables import TABLES
from iepile.corpus.formats.format import formats
from iepile.tasks.task import task_names

ROOT = Path(__file__).parents[2]
SHELLS = ["bash", "zsh", "fish"]
SECONDS = 30.0
"""To wait for a shell."""


@pytest.fixture(scope="module")
def known() -> dict[str, Command]:
    return {c.name: c for c in commands()}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scripts")
    for shell in SHELLS:
        (folder / f"iepile.{shell}").write_text(script(shell), "utf-8")
    return {shell: folder / f"iepile.{shell}" for shell in SHELLS}


def found(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"needs {shell}")
    return path


def test_every_verb_and_action_is_there(known: dict[str, Command]) -> None:
    assert {n for n in known if " " not in n} == VERBS.keys()
    assert {n for n in known if " " in n} == {f"kg {action}" for action in (*ACTIONS, "forms")}
    assert all(c.about for c in known.values())


def test_flags_are_those_of_the_documentation(known: dict[str, Command]) -> None:
    page = (ROOT / "docs/en/cli.md").read_text("utf-8")
    checked = 0
    for part in page.split("\n## ")[1:]:
        verb = re.split(r"[:\n]", part, maxsplit=1)[0].strip()
        documented = set(re.findall(r"^\| `--([\w.]+)` \|", part, re.M))
        if documented:
            told = {f.name for name, c in known.items() if name.partition(" ")[0] == verb for f in c.flags}
            assert {name.lower() for name in documented} <= told, verb
            checked += 1
    assert checked > 20


def test_values_are_those_that_the_package_knows(known: dict[str, Command]) -> None:
    flag = {name: {f.name: f for f in c.flags} for name, c in known.items()}
    assert flag["convert"]["task"].values == task_names()
    assert flag["import"]["format"].values == tuple(formats())
    assert flag["convert"]["split"].values == ("train", "dev", "test")  # of its type
    assert flag["convert"]["schema_path"].values == ()
    assert flag["extract"]["descriptions"].values is None
    assert flag["train"]["model.layers"].values == () and {"save_steps", "dev_file"} <= flag["train"].keys()
    assert known["shell-completion"].operands == ("bash", "zsh", "fish")
    assert "train" in known["doctor"].operands
    for name, c in known.items():
        for f in c.flags:
            assert "\n" not in f.about and len(f.about) <= 72, (name, f)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_read_it_and_it_is_the_same_each_time(shell: str, scripts: dict[str, Path]) -> None:
    assert script(shell) == scripts[shell].read_text("utf-8")
    done = subprocess.run([found(shell), "-n", str(scripts[shell])], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shell-completion", "bash"]) == 0
    assert capsys.readouterr().out == script("bash")
    assert main(["shell-completion", "cmd"]) == 2
    assert "bash" in capsys.readouterr().err


@pytest.mark.parametrize("shell", SHELLS)
def test_quotes_and_dollars_in_a_description_stay_text(shell: str, tmp_path: Path) -> None:
    odd = "it's \"$HOME\" `id` \\ $(id)"
    text = TABLES[shell]([Command("odd", odd, (Flag("flag", odd, ("a'b",)),), ())])
    (tmp_path / "t").write_text(text, "utf-8")
    show = {"bash": "", "zsh": "_iepile_below ''; print -rl -- $words_; _iepile_flags odd; print -rl -- $flags",
            "fish": "__iepile_below ''; __iepile_flags odd"}[shell]
    done = subprocess.run([found(shell), "-c", f"source {tmp_path / 't'}; {show or '_iepile_values odd --flag'}"],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if show:
        assert done.stdout.count(odd) == 2


class Shell:
    """A shell at a terminal, in which `iepile` only tells how it was called."""

    def __init__(self, shell: str, script: Path, folder: Path) -> None:
        start = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}[shell]
        ready = {
            "bash": f"PS1='> '; iepile() {{ printf 'GOT<%s>\\n' \"$*\"; }}; source {script}",
            "zsh": "unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste; PS1='> '; "
                   "autoload -U compinit; compinit -u -D; iepile() { print -r -- \"GOT<$*>\" }; "
                   f"source {script}",
            "fish": f"function fish_prompt; echo '> '; end; function iepile; echo \"GOT<$argv>\"; end; source {script}",
        }[shell]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            env = {**os.environ, "TERM": "dumb" if shell != "fish" else "xterm", "HOME": str(folder), "COLUMNS": "400"}
            os.execvpe(found(shell), [shell, *start], env)
        self.shell = shell
        self.send(ready + "\n")
        assert self.called("iepile ready") == "ready"

    def send(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def called(self, typed: str) -> str:
        """How `iepile` is called after `typed` and Enter."""
        self.send(typed)
        time.sleep(0.02 if self.shell == "bash" else 0.15)  # the others take what comes at once for pasted
        self.send("\n")
        return self.answer()

    def answer(self) -> str:
        """Read until `iepile` has told how it was called."""
        said, end = "", time.monotonic() + SECONDS
        while time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.1)[0]:
                said += os.read(self.terminal, 65536).decode("utf-8", "replace")
            if asked := re.search("\x1b\\[0?c", said):  # fish asks what terminal this is, and waits
                said = said.replace(asked.group(), "")
                self.send("\x1b[?62c")
            if told := re.findall(r"GOT<([^\n\"$%*]*)>", said):
                return str(told[-1]).strip()
        raise AssertionError(f"{self.shell} called nothing: {said!r}")

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, scripts: dict[str, Path], tmp_path: Path) -> Iterator[Shell]:
    found(request.param)
    (tmp_path / "my texts.jsonl").touch()
    (tmp_path / "graph.db").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/inner.yaml").touch()
    running = Shell(request.param, scripts[request.param], tmp_path)
    yield running
    running.close()


CASES = {
    "iepile ext\t": "extract",
    "iepile shell\t": "shell-completion",
    "iepile kg fin\t": "kg find",
    "iepile kg find gr\t": "kg find graph.db",
    "iepile kg find graph.db --hea\t": "kg find graph.db --head",
    "iepile convert --split_n\t": "convert --split_num",
    "iepile convert --split-n\t": "convert --split_num",
    "iepile convert --split tr\t": "convert --split train",
    "iepile convert --split=tr\t": "convert --split=train",
    "iepile convert --task NER,SP\t": "convert --task NER,SPO",
    "iepile validate my\t": "validate my texts.jsonl",
    "iepile run folder/in\t": "run folder/inner.yaml",
    "iepile train --train_file my\t": "train --train_file my texts.jsonl",
    "iepile train --train_file=fol\tinn\t": "train --train_file=folder/inner.yaml",
    "iepile shell-completion zs\t": "shell-completion zsh",
    "iepile doctor docu\tgra\t": "doctor documents graph",
    "iepile extract --descr\t--schema-pa\tmy\t": "extract --descriptions --schema_path my texts.jsonl",
}


def test_typing_and_tab(shell: Shell) -> None:
    dashes = shell.shell == "fish"  # it keeps the dashes that were typed
    for typed, wanted in CASES.items():
        told = shell.called(typed)
        assert (told.replace("--split-num", "--split_num").replace("--schema-path", "--schema_path")
                if dashes else told) == wanted, typed


def test_a_key_press_takes_no_time(scripts: dict[str, Path]) -> None:
    """A hundred completions in bash, without a process for each."""
    work = (f"source {scripts['bash']}; COMP_WORDS=(iepile train --model.h); COMP_CWORD=2; "
            "for ((n = 0; n < 100; n++)); do _iepile; done; printf '%s\\n' \"${COMPREPLY[@]}\"")
    began = time.monotonic()
    done = subprocess.run([found("bash"), "-c", work], capture_output=True, text=True, check=True)
    assert done.stdout == "--model.hidden_size\n"
    assert time.monotonic() - began < 10  # 0.1 s each, on the busiest machine
