"""What a corpus is to be made of, and how: the `corpus.yaml` of `iepile build`.

    output: runs/corpus
    datasets: [resume_ner, conll04, DuEE1.0]     # default: all of IEPile, as far as the files are there
    cards: [cards/notices.yaml]                  # cards of your own, beside the catalogue's
    tasks: [NER, RE, EE, EET, EEA]
    cut: {train: 0.8, dev: 0.1, test: 0.1}       # for data sets of which only one split is there
    clean: {width: all, near_threshold: 0.85}   # what `iepile clean` takes
    leaks: {threshold: 0.8}                      # what `iepile leaks` takes
    negatives: {method: [text, mentions], top_k: 5}
    convert: {cluster_mode: true, negative_ratio: 3}

Only `output` is needed. A part that is `false` is left out: `leaks: false`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_type_hints

import msgspec

from iepile.corpus.catalog import Card, cards, get_card, load_card
from iepile.corpus.clean import CleanConfig
from iepile.corpus.convert import ConvertConfig
from iepile.corpus.leaks import LeaksConfig
from iepile.corpus.negatives import NegativesConfig
from iepile.corpus.statistics import StatsConfig
from iepile.errors import InputError
from iepile.tasks.task import get_task

Settings = dict[str, Any]

# What a step is given by the build itself, and so cannot be set in the file.
_GIVEN = {
    "clean": {"src_path", "tgt_path", "rejects", "report"},
    "leaks": {"train", "evaluation", "tgt_path", "rejects", "report"},
    "negatives": {"schema_path", "tgt_path", "task", "src_path", "predictions", "dataset", "scores", "inspect"},
    "convert": {"src_path", "tgt_path", "schema_path", "task", "language", "split", "source", "workers", "ray",
                "hard_negative_path", "hard_negative_dataset", "split_num", "seed"},
    "statistics": {"input_files", "output", "page", "domains"},
}
_CONFIGS: dict[str, type[Any]] = {
    "clean": CleanConfig, "leaks": LeaksConfig, "negatives": NegativesConfig, "convert": ConvertConfig,
    "statistics": StatsConfig,
}


class Plan(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The file as it stands."""

    output: str | None = None
    """Folder for everything."""
    datasets: list[str] = []
    """Names of cards; empty: all of IEPile and those of `cards`, as far as their files are there."""
    exclude: list[str] = []
    """Names of cards to leave out."""
    cards: list[str] = []
    """Card files of your own, relative to this file; a name the catalogue has too is taken from here."""
    roles: dict[str, Literal["train", "held-out"]] = {}
    """Data set -> role, where it is to be another than the card's."""
    languages: list[str] = []
    """Languages to take; empty: all."""
    tasks: tuple[str, ...] = ("NER", "RE", "EE", "EET", "EEA")
    """What is asked; of each data set, those of these that its card allows."""
    split_num: dict[str, int] = {}
    """Task -> labels a prompt; default: what the card says for its own task, else what the task advises."""
    cut: dict[str, float] = {}
    """Shares to cut a data set into of which only one split is there; empty: it stays one split."""
    seed: int = 42
    """Seed of that cut, and of everything drawn later."""
    clean: Settings | Literal[False] = {}
    leaks: Settings | Literal[False] = {}
    negatives: Settings | Literal[False] = {}
    convert: Settings = {}
    statistics: Settings | Literal[False] = {}


def read_plan(path: str | Path) -> Plan:
    """Read and check a `corpus.yaml`.

    Raises:
        InputError: not such a file, an unknown key (the nearest one is named), task or setting.
    """
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text("utf-8"))
        plan = msgspec.convert(data if data is not None else {}, Plan)
    except FileNotFoundError:
        raise InputError("no such file", file=path, field="corpus", expected="a corpus.yaml") from None
    except IsADirectoryError:
        raise InputError("is a folder", file=path, field="corpus", expected="a corpus.yaml") from None
    except RecursionError:
        raise InputError("too deeply nested", file=path, expected="YAML") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise InputError(f"cannot be read: {e}", file=path, expected="YAML") from None
    except msgspec.ValidationError as e:
        raise _odd(e, data, path) from None
    for name in _CONFIGS:
        settings = getattr(plan, name)
        if settings is not False:
            _check(name, settings, path)
    if not plan.tasks:
        raise InputError("no task is asked", file=path, field="tasks", expected="one or more of NER, RE, EE ...")
    for name in (*plan.tasks, *plan.split_num):
        try:
            get_task(name)
        except InputError as e:
            raise e.at(path) from None
    for name, number in plan.split_num.items():
        if number < 1 and number != -1:
            raise InputError(f"split_num of {name} is {number}", file=path, field=f"split_num.{name}",
                             expected="1 or more, or -1 for all")
    shares = plan.cut.values()
    if shares and (not (min(shares) >= 0 and abs(sum(shares) - 1) < 1e-9)  # NaN is neither
                   or set(plan.cut) - {"train", "dev", "test"}):
        raise InputError(f"cut is {plan.cut}", file=path, field="cut",
                         expected="shares of train, dev and test that add up to 1")
    return plan


def chosen_cards(plan: Plan, path: str | Path) -> list[Card]:
    """The cards the plan names, in its order; all that are part of IEPile or are given, where it names none.

    Raises:
        InputError: a name without a card, or a card file that cannot be read.
    """
    own = {card.name: card for card in (load_card(Path(path).parent / file) for file in plan.cards)}

    def find(name: str, field: str) -> Card:
        try:
            return own.get(name) or get_card(name)
        except InputError as e:
            raise InputError(e.problem, file=path, field=field, expected=e.expected, fix=e.fix) from None

    left_out = {find(name, "exclude").name for name in plan.exclude}
    roles = {find(name, "roles").name: role for name, role in plan.roles.items()}
    picked = ([find(name, "datasets") for name in plan.datasets] if plan.datasets
              else list(({c.name: c for c in cards().values() if c.role != "extra"} | own).values()))
    return [
        msgspec.structs.replace(card, role=roles.get(card.name, card.role))
        for card in picked
        if card.name not in left_out and (not plan.languages or card.language in plan.languages)
    ]


def config_of(name: str, plan: Plan, given: Mapping[str, Any]) -> Any:
    """The config of a step: what the plan says and what the build gives.

    Raises:
        InputError: a setting of the wrong type.
    """
    try:
        return msgspec.convert({**(getattr(plan, name) or {}), **given}, _CONFIGS[name], strict=False)
    except msgspec.ValidationError as e:
        raise InputError(f"{name}: {e}", field=name, fix=f"iepile {name} --help") from None


def _check(name: str, settings: Settings, path: str | Path) -> None:
    known = [f.name for f in fields(_CONFIGS[name]) if f.name not in _GIVEN[name]]
    types = get_type_hints(_CONFIGS[name])
    for key, value in settings.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            given = "the build gives it" if key in _GIVEN[name] else f"iepile {name} --help"
            raise InputError(f"{name} has no setting {key!r} here", file=path, field=name,
                             fix=f"did you mean {near[0]}?" if near else given)
        try:
            msgspec.convert(value, types[key], strict=False)
        except msgspec.ValidationError as e:
            raise InputError(str(e), file=path, field=f"{name}.{key}", fix=f"iepile {name} --help") from None


def _odd(error: msgspec.ValidationError, data: Any, path: str | Path) -> InputError:
    problem, _, where = str(error).partition(" - at `")
    known = Plan.__struct_fields__
    fix = "see the docs: corpus"
    if isinstance(data, dict):
        for key in data:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, 1)
                fix = f"did you mean {near[0]}?" if near else "one of: " + ", ".join(known)
                problem, where = f"no setting {key!r}", str(key)
                break
    return InputError(problem, file=path, field=where.rstrip("`").removeprefix("$.") or "corpus", fix=fix)
