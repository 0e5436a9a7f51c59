"""`iepile catalog`: the data sets that are known, and one card."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from iepile.cli import show
from iepile.cli.command import run_command

if TYPE_CHECKING:
    from iepile.corpus.catalog import Card
    from iepile.corpus.folders import Folders


@dataclass(kw_only=True)
class CatalogConfig:
    """List the data sets that have a card, or show one card."""

    name: str | None = None
    """A data set, by name or alias, to show its card."""
    card: str | None = None
    """A card of your own (YAML), to check and show it."""
    root: str | None = None
    """Folder of raw data sets: also say what is found there."""


def catalog(argv: Sequence[str]) -> int:
    """Data sets and where their files lie."""
    return run_command("catalog", CatalogConfig, _show, argv, positional=("name",))


def _show(config: CatalogConfig) -> None:
    from iepile.corpus.catalog import cards, get_card, load_card
    from iepile.corpus.folders import Folders
    from iepile.errors import InputError

    if config.name and config.card:
        raise InputError("both name and card are given", field="name", fix="drop one")
    chosen = load_card(config.card) if config.card else get_card(config.name) if config.name else None
    folders = Folders(config.root) if config.root else None
    if show.as_json:
        sys.stdout.write(msgspec.json.encode(chosen or list(cards().values())).decode() + "\n")
    elif chosen is not None:
        _one(chosen, folders)
    else:
        rows = [(c.name, c.task, c.language, c.domain, c.role, _splits(c, folders), c.licence)
                for c in cards().values()]
        show.table(("data set", "task", "", "domain", "IEPile", "found" if folders else "splits", "licence"), rows)


def _splits(card: Card, folders: Folders | None) -> str:
    if folders is not None:
        found = card.find(folders)
        return " ".join(found.splits) if found else ""
    return "to be cut" if card.cut else " ".join(card.splits)


def _one(card: Card, folders: Folders | None) -> None:
    lines = {
        "name": ", ".join((card.name, *card.aliases)), "task": ", ".join((card.task, *card.also)),
        "language": card.language, "domain": card.domain, "in IEPile": card.role, "labels a prompt": card.split_num,
        "licence": card.licence, "passing on": card.redistribution, "home": card.home,
    }
    if (c := card.citation) is not None:
        lines["citation"] = f"{c.authors} ({c.year}). {c.title}. {c.venue}. {c.url}"
    if card.cut is not None:
        lines["cut"] = f"train {card.cut.train:g}, dev {card.cut.dev:g}, test {card.cut.test:g}; seed {card.cut.seed}"
    lines |= {"notes": card.notes} if card.notes else {}
    for name, value in lines.items():
        print(f"{name:<16} {value}")
    sources = [(str(split), ", ".join(s.files), s.format) for split, all_ in card.splits.items() for s in all_]
    if sources:
        show.table(("split", "files, the first that are there", "format"), sources)
    if card.names:
        show.table(("raw label", "name", "what it means"),
                   [(raw, name or "(left out)", card.descriptions.get(name, "")) for raw, name in card.names.items()])
    if folders is not None:
        found = card.find(folders)
        print(card.why_missing(folders) if found is None else f"found in {found.folder}: " + ", ".join(
            f"{split} ({', '.join(path.name for path, _ in files)})" for split, files in found.splits.items()))
