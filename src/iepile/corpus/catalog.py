"""What is known of the data sets that IEPile is made of: one card each, and where their files lie.

    cards()["CoNLL2003"].labels                  # {"PER": "person", ...}
    card = get_card("ncbi disease")              # by name or alias, however written
    found = card.find(Path("raw"))               # None where the files are missing
    for doc in found.read("train"):              # as documents, labels named
        ...

A card is a YAML file of the folder `catalog/`; `load_card` reads one of your own. Its fields are those of
`Card`. A folder is looked for by the card's name, aliases and `folders`, among the two top levels of the
root; upper and lower case, blanks and punctuation make no difference.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from iepile.corpus.folders import Folders, key, matches
from iepile.corpus.formats.format import get_format, read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.errors import InputError
from iepile.jsonl import read_bytes
from iepile.records import Document

UNKNOWN = "unknown"
"""Value of a fact that could not be confirmed."""
RELEASE = "https://huggingface.co/datasets/zjunlp/iepile"
"""IEPile's own release, with the train and held-out data sets (but for ACE 2005) in the unified format."""
SPLITS = ("train", "dev", "test", "all")
TASKS = ("NER", "RE", "EE")
ROLES = ("train", "held-out", "extra")
Domain = Literal["general", "news", "encyclopedia", "social media", "dialogue", "medicine", "science", "finance",
                 "law", "security", "manufacturing", "traffic"]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files that hold one split, all in one format."""

    files: tuple[str, ...]
    """Patterns (`*`, `**`) relative to the data set's folder; every file, or folder, that matches is read."""
    format: str
    """Raw format (`iepile formats`)."""


class Cut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to cut a data set that comes without splits."""

    train: float
    dev: float
    test: float
    seed: int = 42
    """Decides, with the text, on which side of the cut a document falls."""


class Citation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The publication to cite."""

    authors: str
    year: int
    title: str
    venue: str
    url: str


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One data set."""

    name: str
    """Name in IEPile: the value of `source` in its rows."""
    aliases: tuple[str, ...] = ()
    """Other names; no two data sets share one."""
    task: Literal["NER", "RE", "EE"]
    also: tuple[Literal["NER", "RE", "SPO", "EE", "EET", "EEA", "KG"], ...] = ()
    """Further tasks that its annotation serves."""
    language: Literal["en", "zh"]
    domain: Domain
    role: Literal["train", "held-out", "extra"]
    """In IEPile: for training, kept for zero-shot tests, or not part of it."""
    licence: str
    redistribution: str
    """May it be passed on? In short."""
    home: str
    """Where to get it, or `unknown`."""
    citation: Citation | None = None
    released: bool = True
    """Is it in IEPile's public release, where its role is not extra?"""
    folders: tuple[str, ...] = ()
    """Folder names besides name and aliases; data sets may share one."""
    splits: dict[Literal["train", "dev", "test", "all"], tuple[Source, ...]]
    """Split -> sources, the best first: the first one whose files are there is read, all splits in the same
    format. `all` needs a `cut`."""
    cut: Cut | None = None
    labels: dict[str, str] = {}
    """Raw type or relation -> name in natural language, "" to leave it out; others stay as they are."""
    roles: dict[str, str] = {}
    """Raw role of an event -> name in natural language."""
    descriptions: dict[str, str] = {}
    """Name -> what it means, in a few words."""
    notes: str = ""
    """What to know before using it."""

    def __post_init__(self) -> None:
        """Check what types cannot.

        Raises:
            ValueError: msgspec makes a ValidationError of it, with the place.
        """
        # Folders and files of a build are named so; a path in it would write beside them.
        if not self.name.isprintable() or not key(self.name) or self.name[:1] in ". " or len(self.name) > 100 or (
                set(self.name) & set("/\\")):
            raise ValueError("name: expected up to 100 characters that can name a folder, letters or digits among "
                             f"them, without / and \\ or a dot at the start, got {self.name[:100]!r}")
        if "all" in self.splits and (len(self.splits) > 1 or self.cut is None):
            raise ValueError("splits: `all` stands alone, with a `cut`")
        shares = (self.cut.train, self.cut.dev, self.cut.test) if self.cut else ()
        if shares and ("all" not in self.splits or min(shares) < 0 or not math.isclose(sum(shares), 1)):
            raise ValueError("cut: needs splits `all`, and shares that add up to 1")
        patterns = [p for sources in self.splits.values() for source in sources for p in source.files or ("",)]
        if bad := [p for p in patterns if not p.strip() or p.startswith("/") or ".." in p.split("/")]:
            raise ValueError(f"splits: expected files inside the data set's folder, got {bad[0]!r}")
        for field in ("home", *(("citation",) if self.citation else ())):
            url = self.home if field == "home" else self.citation.url if self.citation else ""
            if url != UNKNOWN and not re.match(r"https?://\S+$", url):
                raise ValueError(f"{field}: expected an address (http...) or {UNKNOWN}, got {url!r}")
        if both := [raw for raw, name in self.roles.items() if self.labels.get(raw, name) != name]:
            raise ValueError(f"roles: {both[0]!r} has another name in labels")
        names = {*self.labels.values(), *self.roles.values()}
        if unnamed := [name for name in self.descriptions if name not in names]:
            raise ValueError(f"descriptions: {unnamed[0]!r} is not a name of labels or roles")

    @property
    def split_num(self) -> int:
        """Labels a prompt, as IEPile advises."""
        return 6 if self.task == "NER" else 4

    @property
    def names(self) -> dict[str, str]:
        """Raw label or role -> name: what `ReadOptions.labels` takes."""
        return self.labels | self.roles

    def find(self, root: Path | Folders) -> Found | None:
        """The files under `root`; None if there are none.

        Raises:
            InputError: `root` is not a folder.
        """
        for folder in self._folders(root if isinstance(root, Folders) else Folders(root)):
            splits = _unified(folder) or self._sources(folder)
            if splits:
                return Found(self, folder, splits)
        return None

    def why_missing(self, root: Path | Folders) -> str:
        """Why `find` finds nothing, and where to get the data set."""
        folders = root if isinstance(root, Folders) else Folders(root)
        seen = list(self._folders(folders))
        if seen:
            wanted = dict.fromkeys(p for sources in self.splits.values() for s in sources for p in s.files)
            why = f"{self.name}: {seen[0]} has none of {', '.join(wanted)}"
        else:
            why = f"{self.name}: no folder {' or '.join((self.name, *self.aliases, *self.folders))} in {folders.root}"
        got = [] if self.home == UNKNOWN else [self.home]
        if self.released and self.role != "extra":
            got.append(f"in the unified format {RELEASE}")
        return f"{why}; get it from {' or '.join(got)}" if got else why

    def _folders(self, folders: Folders) -> Iterator[Path]:
        for name in (self.name, *self.aliases, *self.folders):
            # IEPile's release has folders of one name under NER, RE, EE, EET and EEA.
            yield from sorted(folders.named(name), key=lambda folder: folder.parent.name != self.task)

    def _sources(self, folder: Path) -> dict[str, list[tuple[Path, str]]]:
        """The splits in one format, the one most of them are there in: other copies may be cut otherwise."""
        formats = dict.fromkeys(source.format for sources in self.splits.values() for source in sources)
        return max((self._in_format(folder, format) for format in formats), key=len, default={})

    def _in_format(self, folder: Path, format: str) -> dict[str, list[tuple[Path, str]]]:
        out = {}
        for split, sources in self.splits.items():
            for source in sources:
                patterns = source.files if source.format == format else ()
                if found := dict.fromkeys(path for pattern in patterns for path in matches(folder, pattern)):
                    out[str(split)] = [(path, format) for path in found]
                    break
        return out


class Found(msgspec.Struct, frozen=True):
    """A data set on disk."""

    card: Card
    folder: Path
    splits: dict[str, list[tuple[Path, str]]]
    """Split -> (file or folder to read, its format)."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Splits that the card knows and the folder lacks."""
        return tuple(str(s) for s in self.card.splits if s not in self.splits and "all" not in self.card.splits)

    def options(self, split: str) -> ReadOptions:
        """How to read the files of a split; the same object counts what had to be mended."""
        return ReadOptions(language=self.card.language, source=self.card.name, labels=self.card.names,
                           split=None if split == "all" else split)

    def read(self, split: str, options: ReadOptions | None = None) -> Iterator[Document]:
        """The documents of a split.

        Raises:
            InputError: no such split, a record that cannot be read, or a format that is not known.
        """
        if split not in self.splits:
            raise InputError(f"{self.card.name} has no split {split!r} here", file=self.folder, field="split",
                             expected=", ".join(self.splits))
        options = options if options is not None else self.options(split)
        for path, format in self.splits[split]:
            yield from read_documents(path, format, options)


def _unified(folder: Path) -> dict[str, list[tuple[Path, str]]]:
    """A data set as IEPile's release has it: the unified format, with `schema.json` beside the splits."""
    if not (folder / "schema.json").is_file():
        return {}
    paths = {split: folder / f"{split}.json" for split in ("train", "dev", "test")}
    return {split: [(path, "unified")] for split, path in paths.items() if path.is_file()}


@functools.cache
def cards() -> dict[str, Card]:
    """Every card that is shipped, by name: train before held-out, NER before RE before EE, en before zh."""
    folder = files("iepile.corpus").joinpath("catalog")
    found = [_parse(f.read_bytes(), f.name) for f in folder.iterdir() if f.name.endswith(".yaml")]
    found.sort(key=lambda c: (ROLES.index(c.role), TASKS.index(c.task), c.language, c.name.casefold(), c.name))
    return {card.name: card for card in found}


def get_card(name: str) -> Card:
    """The card of a name or alias, however it is written.

    Raises:
        InputError: there is none.
    """
    by_name = {key(n): card for card in cards().values() for n in (*card.aliases, card.name)}
    if card := by_name.get(key(name)):
        return card
    near = difflib.get_close_matches(key(name), by_name, 1)
    raise InputError(f"no data set {name!r}", field="name", expected="a data set of `iepile catalog`",
                     fix=f"did you mean {by_name[near[0]].name}?" if near else "write a card of your own")


def load_card(path: str | Path) -> Card:
    """A card of your own.

    Raises:
        InputError: unreadable, not a card, or a format that is not known.
    """
    card = _parse(read_bytes(path), path)
    for split, sources in card.splits.items():
        for source in sources:
            try:
                get_format(source.format)
            except InputError as e:
                raise InputError(e.problem, file=path, field=f"splits.{split}.format", expected=e.expected) from None
    return card


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C where PyYAML has it
    """The safe loader, strict about keys that stand twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        out = super().construct_mapping(node, deep)
        if len(out) < len(node.value):
            line = node.start_mark.line + 1
            raise InputError("a key of this mapping stands twice", line=line, fix="remove one")
        return dict(out)


def _parse(raw: bytes, path: str | Path) -> Card:
    try:
        return msgspec.convert(yaml.load(raw, _Loader), Card)
    except InputError as e:
        raise e.at(path) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as e:
        if not isinstance(e, msgspec.ValidationError):
            raise InputError(f"not YAML: {e}", file=path, expected="a card") from None
        problem, _, where = str(e).partition(" - at `")
        field, colon, rest = problem.partition(": ")
        inner = where.rstrip("`").rpartition("$.")[2]  # "$.labels[...]", of a key: "key` in `$.labels"
        raise InputError(rest if colon and not inner else problem[:1].lower() + problem[1:], file=path,
                         field=inner or (field if colon else "card"), expected="a card; see the docs, catalog",
                         fix="put labels that look like numbers, dates or yes/no in quotes" if "`str`" in problem
                         else None) from None
