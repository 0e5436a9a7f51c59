"""Rules of the house that a machine can check: layers, light start-up, files one can read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "iepile"
HEAVY = ("torch", "transformers", "peft", "accelerate", "pandas", "numpy", "datasets", "llguidance")
MOST_LINES = 400


def python(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_layers() -> None:
    pytest.importorskip("importlinter")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    done = python(code)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import iepile",
        "import iepile; iepile.convert, iepile.evaluate",
        "import iepile.tasks, iepile.unified, iepile.corpus.convert, iepile.corpus.importing, iepile.corpus.validate",
        "from iepile.cli.main import main; main(['--help'])",
        "from iepile.cli.main import main; main(['--version'])",
        "from iepile.cli.main import main\ntry: main(['convert', '--help'])\nexcept SystemExit: pass",
    ],
)
def test_what_loads_nothing_heavy(code: str) -> None:
    done = python(f"import sys\n{code}\nprint([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"


def test_help_is_quick() -> None:
    wall, work = [], []
    for _ in range(5):
        start, before = time.perf_counter(), os.times()
        done = subprocess.run([sys.executable, "-m", "iepile", "--help"], capture_output=True, text=True)
        after = os.times()
        wall.append(time.perf_counter() - start)
        work.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert done.returncode == 0
        assert "convert" in done.stdout
    # Where more programs run than there are cores the clock counts waiting for them: then the work counts.
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    assert min(work if busy else wall) < 0.2, (wall, work)


def test_files_are_short_and_say_what_they_are() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= MOST_LINES, path.relative_to(ROOT)
        if path.name != "__init__.py":
            assert text.startswith(('"""', 'r"""')), f"{path.relative_to(ROOT)} has no opening docstring"


def test_readers_are_short() -> None:
    for path in sorted((SOURCE / "corpus/formats").glob("*.py")):
        text = path.read_text("utf-8")
        assert "\nFORMAT = " not in text or len(text.splitlines()) < 100, path.name


def test_nothing_that_runs_what_it_reads() -> None:
    banned = ("pickle.load", "Pickler.load", "Unpickler", "torch.load(", "yaml.unsafe_load", "yaml.Loader)", " eval(",
              " exec(", "shell=True")
    # What our own workers send, over pipes and a cluster that are theirs: multiprocessing and Ray do the same.
    allowed = {"corpus/parallel.py": {"Pickler.load"}, "corpus/cluster.py": {"pickle.load"}}
    for path in sorted(SOURCE.rglob("*.py")):
        text, name = path.read_text("utf-8"), path.relative_to(SOURCE).as_posix()
        assert {b for b in banned if b in text} <= allowed.get(name, set()), name
