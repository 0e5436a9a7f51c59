"""WebAnno TSV 3, the export of INCEpTION and WebAnno: tokens in columns, one file a document.

    #FORMAT=WebAnno TSV 3.3
    #T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value
    #T_RL=webanno.custom.Relation|value|BT_de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity

    #Text=Ada King met Bob
    1-1  0-3    Ada   *[1]  PER[1]  _      _
    1-2  4-8    King  *[1]  PER[1]  _      _
    1-4  13-16  Bob   *     PER     knows  1-1[1_0]

`label[1]` numbers an annotation of several tokens or one of several on a token (`a[1]|b[2]`), `*` has no label (the
layer's name is taken), a relation stands at its target and names its source. Labels are those of the feature
`value`, else of the first. A span with links to others (`ROLE_`) is read as an event, the links as its arguments.
Linguistic layers (lemmas, parts of speech, dependencies) and chains of coreference are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.webanno_lines import Marks, Tsv
from iepile.records import Argument, Document, Entity, Event, Relation, Span


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a file."""
    for file in options.files(path, ".tsv"):
        tsv = Tsv(line for _, line in options.lines(file))
        if not tsv.units:
            options.summary.count(Repair.NO_TEXT)
            continue
        yield options.finish(_document(tsv, file.stem, options))


def _document(tsv: Tsv, name: str, options: ReadOptions) -> Document:
    text, marks = tsv.whole(), Marks(tsv)
    options.summary.count(Repair.NO_PLACE, marks.left_out)
    placed: dict[tuple[str, ...], Entity] = {}
    for key, mark in marks.spans.items():
        pieces = [(s, e) for s, e in (tsv.units[unit] for unit in mark.units) if s < e]
        if pieces:
            placed[key] = Entity(options.label(mark.label), options.stretch(text, pieces))
        else:
            options.summary.count(Repair.EMPTY_MENTION)

    def end(layer: str, unit: str, number: str) -> Entity | None:
        """What a relation or link points at: an annotation, or the token itself."""
        if (key := marks.find(layer, unit, number)) is not None:
            return placed.get(key)
        start, past = tsv.units.get(unit, (0, 0))
        return Entity("", Span(text[start:past], start, past)) if start < past else None

    relations, events = [], []
    for label, base, source, target in marks.relations:
        head, tail = end(base, *source), end(base, *target)
        if head is None or tail is None:
            options.summary.count(Repair.DANGLING)
            continue
        relations.append(Relation(options.label(label), head.span, tail.span, head.type or None, tail.type or None))
    for key, mark in marks.spans.items():
        if mark.links is None or key not in placed:
            continue
        fillers = [(role, end(layer, unit, number)) for role, layer, unit, number in mark.links]
        options.summary.count(Repair.DANGLING, sum(filler is None for _, filler in fillers))
        arguments = tuple(Argument(options.label(role), filler.span) for role, filler in fillers if filler is not None)
        events.append(Event(placed[key].type, placed[key].span, arguments))
    entities = tuple(e for key, e in placed.items() if marks.spans[key].links is None)
    return Document(text, name, entities=entities, relations=tuple(relations), events=tuple(events),
                    annotated=marks.kinds)


def sniff(sample: Sample) -> str | None:
    """A file, or the first of a folder, that says it is WebAnno TSV 3."""
    first = sample.first(".tsv") if sample.is_folder else sample
    return "it says #FORMAT=WebAnno TSV 3" if first and first.head.startswith("#FORMAT=WebAnno TSV 3") else None


FORMAT = Format(
    "webanno", "WebAnno TSV 3 exports of INCEpTION and WebAnno", (".tsv",), read, sniff,
    example="#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.Name|value\n\n\n#Text=Ada King left .\n"
            "1-1\t0-3\tAda\tPER[1]\n1-2\t4-8\tKing\tPER[1]\n1-3\t9-13\tleft\t_\n1-4\t14-15\t.\t_\n")
