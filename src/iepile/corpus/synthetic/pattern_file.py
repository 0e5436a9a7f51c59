"""Patterns of one's own: a TOML file of names, slots and sentences, for texts of any domain and language.

    name = "orders"                        # of the documents: their ids and source
    language = "en"

    [parts]                                # what names are made of
    first = ["Ada", "Ben", "Cleo"]
    last = ["Marsh", "Quill", "Rook"]
    year = "1990..2026"                    # a range of whole numbers
    tail = "ford ham ton"                  # words; or, without blanks, single characters

    [slots.person]
    type = "person"                        # of the entity; without, the slot is only words
    values = ["{first} {last}"]
    short = "{last}"                       # how the text may come back to it
    recurs = 0.5                           # chance that a slot takes one that the text has named
    apart = true                           # names of the test and dev splits never occur in training

    [slots.date]
    type = "date"
    values = ["in [{year}]", "[yesterday]"]   # what stands outside the brackets is not part of the mention

    [[patterns]]
    states = ["married(person, person2)"]
    texts = ["{person} married {person2} {date}", "{person2} is the spouse of {person}"]

The notation of texts and of what they state is that of `patterns.py`. A group without `states` states nothing: its
texts teach what is not meant. In one document no two sentences are of groups that are about the same: what the
first statement names, or `about`. A number behind the name of a part draws anew: `{given}{given2}`. In TOML, keys
beyond a-z, 0-9, - and _ stand in quotes: `[slots."公司"]`.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.synthetic.patterns import kind_of, pattern
from iepile.errors import InputError
from iepile.jsonl import read_bytes
from iepile.schema import EntityType, EventType, RelationType, Role, Schema

RANGE = re.compile(r"(\d+)\.\.(\d+)")
REFERENCE = re.compile(r"\{([^{}]+)\}")
FORM = "a pattern file: language, [parts], [slots.NAME], [[patterns]]"


class Slot(msgspec.Struct, forbid_unknown_fields=True):
    """What `{NAME}` in a text stands for."""

    values: list[str]
    type: str = ""
    short: str = ""
    recurs: float = 0.0
    apart: bool = False


class Openers(msgspec.Struct, forbid_unknown_fields=True):
    """What may stand before a sentence."""

    plain: list[str] = []
    dated: str = ""
    """Brings the date to events whose text has none."""


class Joints(msgspec.Struct, forbid_unknown_fields=True):
    """What stands between sentences, and at the end; a full stop of the language, if not told."""

    sentence: str = ""
    clause: list[str] = []
    """Also joins sentences, such as `, while `."""
    end: str = ""


class Group(msgspec.Struct, forbid_unknown_fields=True):
    """Texts that state the same."""

    texts: list[str]
    states: list[str] = []
    about: str = ""


class PatternFile(msgspec.Struct, forbid_unknown_fields=True):
    """A file as it stands."""

    language: str
    slots: dict[str, Slot]
    patterns: list[Group]
    name: str = "made"
    parts: dict[str, list[str] | str] = {}
    openers: Openers = msgspec.field(default_factory=Openers)
    joints: Joints = msgspec.field(default_factory=Joints)
    sentences: int = 4
    """Most sentences of a document."""

    @property
    def types(self) -> dict[str, str]:
        """Slot -> entity type."""
        return {name: slot.type for name, slot in self.slots.items() if slot.type}

    def inventory(self) -> dict[str, Any]:
        """The file in the form of those that ship."""
        spaced = not self.language.startswith(("zh", "ja"))
        end = self.joints.end or ("." if spaced else "。")
        between = self.joints.sentence or end + " " * spaced
        return {
            "types": self.types,
            "openers": {"plain": self.openers.plain, "naming": [], "dated": self.openers.dated},
            "joints": {"sentence": [between], "clause": self.joints.clause, "end": end},
            "patterns": [{"states": g.states, "texts": g.texts, "about": g.about} for g in self.patterns],
        }

    def schema(self) -> Schema:
        """The labels that the texts state, without descriptions."""
        pairs: dict[str, dict[tuple[str, str], None]] = {}
        roles: dict[str, dict[str, None]] = {}
        for group in self.patterns:
            for text in group.texts:
                plan = pattern(text, group.states, self.types)
                for kind, _, _, head, tail in plan.relations:
                    pairs.setdefault(kind, {})[head or "", tail or ""] = None
                for kind, _, told in plan.events:
                    roles.setdefault(kind, {}).update((role, None) for role, _ in told)
        return Schema(
            tuple(EntityType(t) for t in dict.fromkeys(self.types.values())),
            tuple(RelationType(kind, domain=_named(h for h, _ in ends), range=_named(t for _, t in ends))
                  for kind, ends in pairs.items()),
            tuple(EventType(kind, tuple(map(Role, told))) for kind, told in roles.items()),
        )


def read_patterns(path: str | Path) -> PatternFile:
    """Read and check a file; see the head of this module.

    Raises:
        InputError: no such file, not TOML, an unknown key, slot or part, or a text that does not state what it should.
    """
    try:
        data = tomllib.loads(read_bytes(path).decode("utf-8"))
        file = msgspec.convert(data, PatternFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise InputError(f"not TOML: {e}", file=path, expected=FORM,
                         fix='keys beyond a-z, 0-9, - and _ stand in quotes: [slots."公司"]') from None
    except msgspec.ValidationError as e:
        raise InputError(str(e), file=path, expected=FORM) from None
    try:
        _check(file)
    except InputError as e:
        raise e.at(path) from None
    return file


def _check(file: PatternFile) -> None:
    for name, part in file.parts.items():
        if not part or (".." in part and not ((m := RANGE.fullmatch(str(part))) and int(m[1]) <= int(m[2]))):
            raise InputError(f"the part {name!r} is {part!r}", field=f"parts.{name}",
                             expected='words, or a range such as "1990..2026"')
    for name, slot in file.slots.items():
        where = f"slots.{name}"
        if not slot.values or not 0 <= slot.recurs <= 1:
            raise InputError(f"the slot {name!r} has no values, or `recurs` is not 0 to 1", field=where)
        for value in [*slot.values, slot.short]:
            if odd := [r for r in REFERENCE.findall(value) if kind_of(r) not in file.parts]:
                raise InputError(f"no part {odd[0]!r}", field=where, expected=", ".join(file.parts))
            if sorted(c for c in value if c in "[]") not in ([], ["[", "]"]) or value.find("]") + 1 < value.find("["):
                raise InputError(f"{value!r} does not mark one mention", field=where, expected="before [mention]")
            if "[" in value and not value.endswith("]"):
                raise InputError(f"{value!r} goes on after the mention", field=where, expected="before [mention]",
                                 fix="write what follows into the texts")
    if file.sentences < 1 or not any(g.texts for g in file.patterns):
        raise InputError("there is nothing to write", field="patterns", expected="texts, and sentences of 1 or more")
    openers = [Group([*file.openers.plain, *([file.openers.dated] if file.openers.dated else [])])]
    for group in openers + file.patterns:
        for text in group.texts:
            try:
                plan = pattern(text, group.states, file.types)
            except (KeyError, ValueError) as e:
                raise InputError(f"{text!r}: {e}", field="patterns.states") from None
            if odd := [s for s in plan.slots if s not in file.slots]:
                raise InputError(f"no slot {odd[0]!r}", field="patterns.texts", expected=", ".join(file.slots))
            if not text or any(f == "" for f in plan.fills):
                raise InputError("an empty text or trigger", field="patterns.texts")


def _named(types: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t for t in types if t))
