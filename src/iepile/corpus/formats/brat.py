"""brat standoff: a text (`.txt`) and beside it its annotations (`.ann`); a folder of such pairs, or one.

    T1	Drug 0 7	aspirin                      a mention; `0 4;10 14` in two pieces
    R1	Causes Arg1:T1 Arg2:T2               a relation
    E1	Reaction:T2 Agent:T1 Agent2:T3       an event: trigger, arguments (Agent2 is a second Agent)
    N1	Reference T1 MeSH:D001241            a concept; A and M: an attribute, #: a note, *: an equivalence

Where an event is an argument or an end of a relation, its trigger stands for it. Triggers are no entities.
`meta` keeps `pieces` and, after the place of what they speak of, `normalizations`, `attributes` and `notes`;
equivalences, and what speaks of a relation, are counted. Relations and events are annotated in every document
of a folder if one of them has any.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.standoff import Pair, lines_of, text_of
from iepile.records import Document


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a pair of files; its id is their name."""
    start = path.with_suffix(".ann") if path.suffix == ".txt" else path
    files = [(file, lines_of(file, options)) for file in options.files(start, ".ann")]
    kinds = {line.kind for _, lines in files for line in lines}
    annotated = ("entity", *(name for kind, name in (("R", "relation"), ("E", "event")) if kind in kinds))
    for file, lines in files:
        pair = Pair(file, text_of(file.with_suffix(".txt")), lines, options)
        name = (file.relative_to(path) if path.is_dir() else Path(file.name)).with_suffix("").as_posix()
        if pair.text.strip():
            yield options.finish(pair.document(name, annotated))
        else:
            options.summary.count(Repair.NO_TEXT)


def sniff(sample: Sample) -> str | None:
    """A folder with `.ann` files, or a file of a pair."""
    if sample.is_folder:
        return "a folder with .ann files" if sample.first(".ann") else None
    if sample.path.suffix == ".ann":
        return "an .ann file"
    return "a text beside an .ann file" if sample.path.with_suffix(".ann").is_file() else None


FORMAT = Format(
    "brat", "brat standoff: .txt and .ann, a folder of them or one", (".ann", ".txt"), read, sniff,
    example="Aspirin caused asthma.\n\nT1\tDrug 0 7\tAspirin\nT2\tReaction 8 14\tcaused\nT3\tDisease 15 21\tasthma\n"
            "R1\tCauses Arg1:T1 Arg2:T3\nE1\tReaction:T2 Agent:T1 Effect:T3\n",
)
