"""docs/*/cli.md has a line for every flag of every verb, and for no other."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from iepile.cli import guides
from iepile.cli.graph import ACTIONS
from iepile.cli.main import VERBS

ROOT = Path(__file__).parents[2]
CONFIGS = {
    "quickstart": ["iepile.cli.quickstart:QuickstartConfig"],
    "run": ["iepile.recipe:RunConfig"],
    "generate": ["iepile.corpus.synthetic.write:GenerateConfig"],
    "catalog": ["iepile.cli.catalog:CatalogConfig"],
    "import": ["iepile.corpus.importing:ImportConfig"],
    "clean": ["iepile.corpus.clean:CleanConfig"],
    "leaks": ["iepile.corpus.leaks:LeaksConfig"],
    "doctor": ["iepile.cli.doctor:DoctorConfig"],
    "serve": ["iepile.service.config:ServeConfig", "iepile.extraction.job:ModelFlags"],
    "shell-completion": ["iepile.cli.shell_completion:ShellCompletionConfig"],
    "completion": ["iepile.corpus.completion:CompletionConfig"],
    "convert": ["iepile.corpus.convert:ConvertConfig"],
    "negatives": ["iepile.corpus.negatives:NegativesConfig"],
    "build": ["iepile.corpus.build:BuildConfig"],
    "stats": ["iepile.corpus.statistics:StatsConfig"],
    "validate": ["iepile.corpus.validate:ValidateConfig"],
    "train": ["iepile.training.compact_rows:CompactJob", "iepile.training.config:TrainConfig",
              "iepile.models.compact.config:CompactConfig", "iepile.training.baselines:CrfJob",
              "iepile.training.baselines:DictionaryJob"],
    "plot": ["iepile.training.plot:PlotConfig"],
    "export": ["iepile.training.export.config:ExportConfig"],
    "predict": ["iepile.extraction.job:PredictJob"],
    "extract": ["iepile.extraction.job:ExtractConfig"],
    "evaluate": ["iepile.evaluation.config:EvaluateConfig"],
    "compare": ["iepile.evaluation.compare:CompareConfig"],
    "bench": ["iepile.bench.bench:BenchConfig"],
    "calibrate": ["iepile.extraction.calibrate:CalibrateConfig"],
    "kg": ["iepile.graph.build:KgConfig", *(f"iepile.graph.{action.config}" for action in ACTIONS.values())],
}


def flags(verb: str) -> set[str]:
    out: set[str] = set()
    for path in CONFIGS[verb]:
        module, _, name = path.partition(":")
        prefix = "model." if name == "CompactConfig" else ""
        out |= {f"--{prefix}{f.name}" for f in fields(getattr(import_module(module), name))}
    return out - {"--model"} if verb == "train" else out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_flag_has_a_line(language: str) -> None:
    page = (ROOT / f"docs/{language}/cli.md").read_text("utf-8")
    sections = dict.fromkeys(CONFIGS, "")
    for part in page.split("\n## ")[1:]:
        verb = re.split(r"[:：\n]", part, maxsplit=1)[0].strip()
        if verb in sections:
            sections[verb] += part
    for verb, text in sections.items():
        documented = set(re.findall(r"^\| `(--[\w.]+)` \|", text, re.M))
        assert documented == flags(verb), verb


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_flag_of_the_guides_is_named(language: str) -> None:
    page = (ROOT / f"docs/{language}/cli.md").read_text("utf-8")
    for retired in (guides.TRAIN_RETIRED, guides.PREDICT_RETIRED):
        for name in (*retired.switches, *retired.values, *guides.TRAIN_NAMES, *guides.PREDICT_NAMES):
            assert f"`--{name}`" in page, name


def test_every_verb_is_here() -> None:
    assert {v for v, (module, _) in VERBS.items() if module != "lists"} == set(CONFIGS)
