"""FewRel: one JSON object of relation -> instances, each with tokens, a head `h` and a tail `t`.

    {"P19": [{"tokens": ["Ada", "was", "born", "in", "Rome"], "h": ["ada", "Q1", [[0]]], "t": ["rome", "Q2", [[4]]]}]}

`h` and `t` are name (in lower case), Wikidata id and the token numbers of each of its occurrences. The first
occurrence is taken; the others of a mention are kept in `meta["head"]` and `meta["tail"]`, the ids in
`meta["head_id"]` and `meta["tail_id"]`. Relations get their names from a `pid2name.json` beside the file, if
there is one; label names may use names or ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.places import token_pieces
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.errors import InputError
from iepile.records import Document, Relation

_HEAD = re.compile(r'\s*\{\s*"[^"]+"\s*:\s*\[\s*\{\s*"tokens"')
_NAMES = "pid2name.json"


class _Instance(msgspec.Struct):
    tokens: list[str]
    h: tuple[str, str, list[list[int]]]
    t: tuple[str, str, list[list[int]]]


_decode = msgspec.json.Decoder(_Instance).decode


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document an instance.

    Raises:
        InputError: names the instance as `P19[3]`, since the whole file is one line.
    """
    names: Mapping[str, list[str]] = {}
    if (beside := path.with_name(_NAMES)).is_file():
        names = next(options.rows(beside, dict[str, list[str]]))
    for row in options.rows(path, dict[str, list[msgspec.Raw]]):
        for relation, instances in row.items():
            name = names.get(relation, [relation])[0]
            label = options.labels.get(relation, options.label(name))
            for n, instance in enumerate(instances):
                try:
                    doc = _document(_decode(instance), label, options)
                except (LookupError, ValueError) as e:
                    raise InputError(str(e), file=path, line=options.place and options.place[1],
                                     field=f"{relation}[{n}]", expected="`tokens`, `h` and `t` with token numbers",
                                     fix="mend or remove the instance") from e
                if doc is not None:
                    yield options.finish(doc)


def _document(instance: _Instance, label: str, options: ReadOptions) -> Document | None:
    words = TokenText(instance.tokens, options)
    if not words.text.strip():
        options.summary.count(Repair.NO_TEXT)
        return None
    ends, pieces = [], []
    meta: dict[str, Any] = {"head_id": instance.h[1], "tail_id": instance.t[1]}
    for key, (_, _, occurrences) in (("head", instance.h), ("tail", instance.t)):
        ends.append(words.span_of(occurrences[0]))
        found = token_pieces(words, occurrences[0])
        if len(found) > 1:
            pieces.append(found)
        if len(occurrences) > 1:
            meta[key] = [list(words.span(min(o), max(o) + 1).offsets or ()) for o in occurrences]
    return Document(words.text, language=words.language, relations=(Relation(label, ends[0], ends[1]),),
                    annotated=("relation",), meta=meta | ({"pieces": pieces} if pieces else {}))


def sniff(sample: Sample) -> str | None:
    """An object of lists whose elements begin with `tokens` and have `h` and `t`."""
    claimed = _HEAD.match(sample.head) and '"h"' in sample.head and '"t"' in sample.head
    return "a JSON object of relation -> instances with `tokens`, `h` and `t`" if claimed else None


FORMAT = Format(
    "fewrel", "FewRel: one JSON object of relation -> instances", (".json",), read, sniff,
    example='{"P19": [{"tokens": ["Ada", "was", "born", "in", "Rome"], "h": ["ada", "Q1", [[0]]], '
            '"t": ["rome", "Q2", [[4]]]}]}',
)
