"""IPRE: relations between persons; a folder of sentence files, label files and `relation2id.txt`.

    sent_dev.txt            DEV_SENT_ID_000001  张三  李四  张三 是 李四 的 老师 。
    sent_relation_dev.txt   DEV_SENT_ID_000001  33
    relation2id.txt         人物关系/师生关系/老师   33

The columns are id, head, tail and the sentence, cut into words; then the numbers of its relations, with
blanks between. Training sentences may come in parts (`sent_train_1.txt`). The label file stands beside the
sentences, `relation2id.txt` there or one folder up; without it the labels are numbers. Sentences without a
label file are not annotated. The distributed copies often lack the sentences: the message says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.errors import InputError
from iepile.records import Document, Relation, Span

_LABELS = re.compile(r"(sent|bag)_relation_(\w+?)\.txt")
_SENTENCES = re.compile(r"sent_(?!relation_)([a-z]+)(_\d+)?\.txt")
_ID = re.compile(r"[A-Z]+_(SENT|BAG)_ID_\d+\t")


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a line of the sentence files.

    Raises:
        InputError: there are labels, but not the sentences they belong to.
    """
    files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
    splits = {m[1] for f in files if (m := _SENTENCES.fullmatch(f.name))}
    for file in files:
        if (m := _LABELS.fullmatch(file.name)) and m[2] not in splits:
            raise InputError(f"labels without their sentences (sent_{m[2]}.txt)", file=file, line=1, field="sentence",
                             expected=f"sent_{m[2]}.txt beside it",
                             fix="read the folder that holds both; fetch the sentences from the publisher of IPRE")
    if path.is_dir() and not splits:
        raise InputError("the folder has no sentences", file=path, field="src_path", expected="files like sent_dev.txt")
    for file in files:
        if path == file or _SENTENCES.fullmatch(file.name):
            yield from _sentences(file, options)


def _sentences(file: Path, options: ReadOptions) -> Iterator[Document]:
    m = _SENTENCES.fullmatch(file.name)
    beside = file.with_name(f"sent_relation_{m[1] if m else file.stem}.txt")
    labels = {key: numbers.split() for key, numbers in _columns(beside, 2, options)} if beside.is_file() else None
    known = next((p for f in (file.parent, file.parent.parent) if (p := f / "relation2id.txt").is_file()), None)
    names = {number: name for name, number in _columns(known, 2, options)} if known else {}
    for key, head, tail, sentence in _columns(file, 4, options):
        words = TokenText(sentence.split(), options)
        if not (words.text and head and tail):
            options.summary.count(Repair.EMPTY_MENTION if words.text else Repair.NO_TEXT)
            continue
        ends = _place(head, words), _place(tail, words)
        numbers = labels.get(key) if labels is not None else None
        yield options.finish(Document(
            words.text, key, words.language,
            relations=tuple(Relation(options.label(names.get(n, n)), ends[0], ends[1]) for n in numbers or ()),
            annotated=() if numbers is None else ("relation",),
        ))


def _place(name: str, words: TokenText) -> Span:
    """Where the name is a word of the text, else where the text has it once."""
    numbers = [n for n, token in enumerate(words.tokens) if token == name]
    start = words.starts[numbers[0]] if len(numbers) == 1 else None
    return words.options.locate(words.text, name, start)


def _columns(file: Path, n: int, options: ReadOptions) -> Iterator[list[str]]:
    for _, line in options.lines(file):
        if line.strip():
            cells = [cell.strip() for cell in line.split("\t")]
            if len(cells) != n:
                raise ValueError(f"{len(cells)} columns, not {n}")
            yield cells


def sniff(sample: Sample) -> str | None:
    """A folder with sentence or label files, or such a file."""
    if sample.is_folder:
        names = [name.rsplit("/", 1)[-1] for name in sample.names]
        claimed = any(_LABELS.fullmatch(n) for n in names)
    else:
        claimed = any(sample.lines) and all(_ID.match(line) for line in sample.lines if line)
    return "sentence and label files with ids such as DEV_SENT_ID_000001" if claimed else None


FORMAT = Format(
    "ipre", "IPRE relations between persons, a folder of linked columns", (".txt",), read, sniff,
    example="DEV_SENT_ID_000001\t张三\t李四\t张三 是 李四 的 老师 。\n\nDEV_SENT_ID_000001\t33\n",
)
