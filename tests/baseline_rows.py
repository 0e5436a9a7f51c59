"""Rows for tests of baselines: generated documents as questions, in Chinese and English."""

from __future__ import annotations

from pathlib import Path

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.synthetic.write import GenerateConfig, write_documents


def generated(folder: Path, language: str, tasks: str, split: str = "train", start: int = 0, n: int = 200) -> Path:
    """A file of rows. Documents of another `start` are others, with the same names."""
    name = f"{language}.{split}.{start}.{tasks.replace(',', '')}"
    docs, schema, rows = (folder / f"{name}.{end}" for end in ("docs.jsonl", "schema.json", "rows.jsonl"))
    write_documents(GenerateConfig(tgt_path=str(docs), n=n, language=language, start=start, schema_path=str(schema)))
    convert(ConvertConfig(src_path=str(docs), tgt_path=str(rows), schema_path=str(schema), task=tasks, split=split,
                          language=language, positions=True))
    return rows
