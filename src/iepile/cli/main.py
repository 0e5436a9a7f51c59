"""`iepile VERB`: the table of verbs and nothing else. A verb's module is loaded when it is called."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module

VERBS: dict[str, tuple[str, str]] = {
    "quickstart": ("recipes", "data, training, F1 and a graph in a few minutes"),
    "run": ("recipes", "run a recipe: verbs in a row, finished stages kept"),
    "generate": ("corpus", "make annotated example documents (zh, en)"),
    "import": ("corpus", "read an annotated data set in its raw format"),
    "clean": ("cleaning", "one spelling, no junk, each text once"),
    "leaks": ("cleaning", "training texts that are in an evaluation split"),
    "build": ("corpus", "raw data sets to a clean instruction corpus, in one run"),
    "completion": ("corpus", "take clauses out of texts, for models that complete triples"),
    "convert": ("corpus", "documents to instruction rows"),
    "negatives": ("corpus", "mine the labels that are easily confused"),
    "stats": ("corpus", "what is in a corpus: counts and a page of charts"),
    "validate": ("corpus", "what is wrong with this data file, by line"),
    "train": ("training", "train the compact model, or tune a language model"),
    "plot": ("plotting", "the course of a training run: losses, F1, speed"),
    "export": ("exporting", "a trained model as others run it: merged, adapter, GGUF, ONNX"),
    "predict": ("extraction", "answer instruction rows with a model"),
    "extract": ("extraction", "facts of one text, or of a file of texts"),
    "evaluate": ("evaluation", "precision, recall, F1 of predictions; errors, and a page to look at"),
    "compare": ("evaluation", "which of some runs is better, and can it be luck"),
    "bench": ("bench", "a model on the suites of the guide, beside published figures"),
    "calibrate": ("calibration", "what confidence is worth: chances and thresholds from a dev file"),
    "kg": ("graph", "facts to a knowledge graph"),
    "serve": ("serving", "extraction over HTTP, and a page to try it on"),
    "doctor": ("doctor", "what is installed, what is missing, which device"),
    "shell-completion": ("shell_completion", "verbs, flags and files completed in bash, zsh, fish"),
    "catalog": ("catalog", "data sets that are known, and where their files lie"),
    "formats": ("lists", "raw formats that can be read"),
    "tasks": ("lists", "tasks that can be asked"),
    "engines": ("lists", "engines that can answer"),
    "templates": ("lists", "chat templates"),
    "models": ("lists", "families of language models"),
}
"""Verb -> (module of this package, what it does)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 bad usage or bad input."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args and args[0].startswith("--local_rank="):  # the deepspeed launcher puts it before everything else
        del args[0]
    if not args or args[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if args[0] in ("-V", "--version"):
        from iepile.version import __version__

        print(f"iepile {__version__}")
        return 0
    verb = args[0].replace("_", "-")
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        print(f"error: unknown verb {args[0]!r}{hint}\n  do:       iepile --help", file=sys.stderr)
        return 2
    try:
        module = import_module(f"iepile.cli.{VERBS[verb][0]}")
        code: int = getattr(module, verb.replace("-", "_") if verb != "import" else "import_")(args[1:])
    except KeyboardInterrupt:  # while modules are loaded; later the verb handles it
        return 130
    except ModuleNotFoundError as e:
        from iepile.cli.missing import missing

        if (problem := missing(e, verb)) is None:
            raise
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    return code


def _help() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {what}" for verb, (_, what) in VERBS.items()]
    return "\n".join(
        ["usage: iepile VERB [OPTIONS]", "", "Text and a schema in, grounded facts and a graph out.", "", *lines,
         "", "  iepile VERB --help   what a verb takes", "  iepile --version"]
    )
