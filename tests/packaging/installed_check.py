"""Run by the interpreter of a clean environment: what a person who has just installed the wheel can do at once.

    python installed_check.py FOLDER

Prints one JSON object. Nothing of the source tree is on the path.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

HEAVY = ("torch", "transformers", "numpy", "networkx", "yaml", "jinja2", "cyclopts", "rich", "fastapi", "msgspec")


def loaded() -> list[str]:
    return sorted(set(HEAVY) & set(sys.modules))


def call(*args: str) -> tuple[int, str]:
    from iepile.cli.main import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(args)
    return code, said.getvalue()


def main(folder: Path) -> dict[str, object]:
    import iepile

    report: dict[str, object] = {"home": iepile.__file__, "version": iepile.__version__, "after import": loaded()}
    report["help"] = call("--help")
    report["after help"] = loaded()
    report["told version"] = call("--version")
    from iepile.cli.graph import ACTIONS
    from iepile.cli.main import VERBS

    report["helps"] = {verb: call(verb, "--help") for verb in VERBS}
    report["actions"] = {f"kg {action}": call("kg", action, "--help") for action in (*ACTIONS, "forms")}
    out = str(folder)
    report["work"] = [
        call("generate", "--language", "en", "--n", "20", "--tgt-path", f"{out}/docs.jsonl",
             "--schema-path", f"{out}/schema.json"),
        call("validate", f"{out}/docs.jsonl"),
        call("convert", "--src-path", f"{out}/docs.jsonl", "--schema-path", f"{out}/schema.json", "--task", "NER",
             "--language", "en", "--tgt-path", f"{out}/rows.jsonl"),
        call("kg", "--input-file", f"{out}/docs.jsonl", "--output-file", f"{out}/graph.db"),
        call("kg", "info", f"{out}/graph.db"),
        call("doctor", "--json"),
    ]
    report["without torch"] = call("train", "--train-file", f"{out}/rows.jsonl", "--output-dir", f"{out}/model")
    return report


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
