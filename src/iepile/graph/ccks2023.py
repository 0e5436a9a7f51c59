"""Answers in brackets, `(head,relation,tail)(…)`, to lists: the submission form of the CCKS2023 contest.

The guide's own conversion (`legacy`) loses triples with brackets inside, with Chinese brackets or commas, and cuts
numbers at their commas; it is kept for comparison with published files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import check_targets, read_rows, write_rows
from iepile.tasks.triple_text import read_triples

OPENING = "输入中包含的关系三元组是："
"""The words that models of the contest begin an answer with."""
_LEGACY = re.compile(r"\([^()]*\)?")


@dataclass
class Ccks2023Config:
    """Read the triples out of answers in brackets; the rows are written again with them in `kg`."""

    pred_path: str = "result/output_llama_7b_e3_r8.json"
    """Predictions: rows with `output`, as `(head,relation,tail)(head,relation,tail)`."""
    tgt_path: str = "result/result_llama_7b_e3_r8.json"
    """File to write: the same rows with `kg`, a list of [head, relation, tail]."""
    legacy: bool = False
    """Read as the guide's script did, faults included."""


class Ccks2023Result(msgspec.Struct):
    """What a conversion gave."""

    output_file: str
    rows: int = 0
    triples: int = 0
    rows_without: int = 0
    """Rows in which no triple was found."""
    skipped: int = 0
    """Brackets that are no triple: not three parts, an empty part, or commas of numbers that can be read two ways."""
    first_skipped: list[str] = []
    """The first few of them, with their lines."""


def convert(config: Ccks2023Config) -> Ccks2023Result:
    """Write the rows of `pred_path` with their triples in `kg`.

    Raises:
        InputError: a file that cannot be read or written, or a row without an `output` text.
    """
    check_targets([config.tgt_path], [config.pred_path])
    result = Ccks2023Result(config.tgt_path, first_skipped=[])
    write_rows(config.tgt_path, _rows(config, result))
    return result


def _rows(config: Ccks2023Config, result: Ccks2023Result) -> Iterator[dict[str, Any]]:
    for line, row in read_rows(config.pred_path):
        output = row.get("output")
        if not isinstance(output, str):
            raise InputError("no answer in this row", file=config.pred_path, line=line, field="output",
                             expected="a text such as (head,relation,tail)")
        if output.startswith(OPENING):
            output = output.replace(OPENING, "")
        if config.legacy:
            triples, skipped = legacy_triples(output), []
        else:
            found = read_triples(output)
            triples, skipped = found.triples, [p.detail for p in found.problems if p.kind == "wrong form"]
        result.rows += 1
        result.triples += len(triples)
        result.rows_without += not triples
        result.skipped += len(skipped)
        result.first_skipped += [f"line {line}: {s[:80]}" for s in skipped[: 5 - len(result.first_skipped)]]
        yield {**row, "output": output, "kg": triples}


def legacy_triples(output: str) -> list[list[str]]:
    """Triples as the guide's script reads them."""
    out = []
    for span in _LEGACY.findall(output):
        parts = [p.strip() for p in span.split(",")[:3]]
        if len(parts) < 3:
            continue
        triple = [parts[0].removeprefix("("), parts[1], parts[2].removesuffix(")")]
        if all(triple):
            out.append(triple)
    return out
