"""Questions in plain words that ask for triples, and their answers in the layout that a question describes.

The guide's own form is a line of the wordings (wording.py). Beside it stand 20 wordings and the 4 layouts of
kg2instruction a language, in the data files of `triples/`.

>>> question("…关系类型为{relations},以(头实体,关系,尾实体)的形式回答", [], ["国籍"])
"…关系类型为{'国籍'},以(头实体,关系,尾实体)的形式回答"
>>> answer([("甲", "国籍", "乙")], Style(0, 1), "zh")
'头实体是甲,关系是国籍,尾实体是乙'
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from iepile.errors import InputError
from iepile.instructions.draws import Draws
from iepile.tasks.triple_shape import IN_A_LIST, IN_AN_OBJECT, NOTHING, entities_of, relations_of
from iepile.tasks.triple_text import read_triples, write_triples, written_part
from iepile.tasks.triples import listed

BRACKETS, OBJECTS = 0, 3
"""Layouts that are written by rule; the others are patterns of the data files."""
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]")
_PLACE = re.compile(r"\{(head|relation|tail|entities|relations|layout)\}")

Triples = Sequence[tuple[str, str, str]]


class Style(NamedTuple):
    """One way to ask: numbers of a wording and a layout, from 0."""

    wording: int
    layout: int


class Styles(msgspec.Struct, frozen=True):
    """The wordings and layouts of a language."""

    layouts: tuple[str, ...]
    answers: tuple[str, ...]
    wordings: tuple[str, ...]


@cache
def styles(language: str) -> Styles:
    """What the data file of a language holds.

    Raises:
        InputError: there is none.
    """
    folder = files("iepile.instructions").joinpath("triples")
    known = sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    if language not in known:
        raise InputError(f"no questions in words for language {language!r}", field="language",
                         expected=", ".join(known))
    return msgspec.convert(tomllib.loads(folder.joinpath(f"{language}.toml").read_text("utf-8")), Styles)


def draw(language: str, key: str, seed: int) -> Style:
    """A wording and a layout, each as likely as another; the same for the same key and seed."""
    known, draws = styles(language), Draws(f"{seed}\x00style\x00{key}")
    return Style(draws.below(len(known.wordings)), draws.below(len(known.layouts)))


def question(wording: str, entities: Sequence[str], relations: Sequence[str]) -> str:
    """A wording with the labels put in; what stands in [[ ]] goes where there are no entity types.

    Raises:
        InputError: the wording has no place for relations, or a label cannot be listed in words.
    """
    if "{relations}" not in wording:
        raise InputError("the wording has no place for the relations", field="wording", expected="{relations}",
                         fix="write {relations} where the list of relations belongs")
    wording = _OPTIONAL.sub(r"\1" if entities else "", wording)
    return _checked(_put(wording, {"entities": f"{{{listed(entities, ',')}}}",
                                   "relations": f"{{{listed(relations, ',')}}}"}),
                    entities if "{entities}" in wording else (), relations)


def styled_question(style: Style, language: str, relations: Sequence[str]) -> str:
    """The question in one of the wordings, with its layout described.

    Raises:
        InputError: no such language, or a label that cannot be listed in words.
    """
    known = styles(language)
    return _checked(_put(known.wordings[style.wording], {
        "relations": f"[{listed(relations, ', ')}]", "layout": known.layouts[style.layout]}), (), relations)


def answer(triples: Triples, style: Style, language: str, asked: Sequence[str] = ()) -> str | None:
    """The answer in a layout, one triple a line; None where the layout cannot hold these triples undamaged.

    Args:
        asked: the relations of the question. Whoever reads the answer may know them or not.
    """
    if not triples:
        return NOTHING
    said = "\n".join(_written(triple, style.layout, styles(language).answers[style.layout]) for triple in triples)
    readings = [read_triples(said, known) for known in ({*asked, *(t[1] for t in triples)}, ())]
    return said if all(not r.problems and list(map(tuple, r.triples)) == list(triples) for r in readings) else None


def _written(triple: tuple[str, str, str], layout: int, pattern: str) -> str:
    if layout == BRACKETS:
        return write_triples([triple], strict=True)
    head, relation, tail = triple
    if layout == OBJECTS:
        head, tail = (f"'{p}'" if (said := written_part(p, IN_AN_OBJECT)) == p else said for p in (head, tail))
        return f"{{'head': {head}, 'relation': {relation!r}, 'tail': {tail}}}"
    return _put(pattern, {"head": written_part(head, IN_A_LIST), "relation": relation,
                          "tail": written_part(tail, IN_A_LIST)})


def _put(words: str, parts: dict[str, str]) -> str:
    # One pass, so that a label which looks like a place stays what it is.
    return _PLACE.sub(lambda m: parts.get(m[1], m[0]), words)


def _checked(asked: str, entities: Sequence[str], relations: Sequence[str]) -> str:
    for kind, read, labels in (("entity types", entities_of, entities), ("relations", relations_of, relations)):
        if labels and (found := list(read(asked) or ())) != list(dict.fromkeys(labels)):
            raise InputError(f"the {kind} cannot be read back from the question, but {found}", field="schema",
                             fix=f"write them behind words such as `{kind}:`, or rename the odd ones")
    return asked
