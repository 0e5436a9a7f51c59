"""The unified format as a raw format: labels renamed, wrong positions found again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
ROW = {
    "text": "Ada met Bob in Oslo.",
    "entity": [{"entity": "Ada", "entity_type": "PER", "pos": [0, 3]}],
    "relation": [{"head": "Ada", "relation": "knows", "tail": "Bob", "head_type": "PER", "tail_type": "NA"}],
    "event": [
        {
            "event_trigger": "met",
            "event_type": "meet",
            "trigger_pos": [3, 6],
            "arguments": [{"argument": "Oslo", "role": "where", "argument_pos": [0, 4]}],
        }
    ],
}


def write(tmp_path: Path, *rows: dict) -> Path:
    path = tmp_path / "data.json"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_wrong_positions_are_found_again_and_labels_renamed(tmp_path: Path) -> None:
    options = ReadOptions(labels={"PER": "person", "where": "place", "meet": "meeting", "knows": "friend of"})
    (doc,) = read_documents(write(tmp_path, ROW), options=options)
    assert doc.events[0].trigger and doc.events[0].trigger.offsets == (4, 7)
    assert doc.events[0].arguments[0].span.offsets == (15, 19)
    assert options.summary.repairs == {Repair.MOVED: 2}
    assert (doc.entities[0].type, doc.relations[0].head_type, doc.relations[0].tail_type) == (
        "person",
        "person",
        None,
    )
    assert (doc.relations[0].type, doc.events[0].type, doc.events[0].arguments[0].role) == (
        "friend of",
        "meeting",
        "place",
    )


def test_other_faults_stop(tmp_path: Path) -> None:
    with pytest.raises(InputError) as info:
        list(read_documents(write(tmp_path, {"text": "a"}, {"text": "a", "entity": [{}]}), "unified"))
    assert (info.value.line, info.value.field) == (2, "entity[0].entity")


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the shared real data is not here")
@pytest.mark.parametrize(
    ("file", "records", "moved"),
    [
        ("IEPILE_slices_OneKE/unified_NYTRE_test.jsonl", 1500, 3),
        ("IEPILE_slices_OneKE/unified_CASIE_train.jsonl", 1500, 0),
        ("DeepKE_InstructKGC/NER/sample.json", 6, 0),
        ("DeepKE_InstructKGC/KG/sample.json", 5, 0),
        ("DeepKE_InstructKGC/EE/sample.json", 6, 0),
    ],
)
def test_real_files(file: str, records: int, moved: int) -> None:
    options = ReadOptions()
    assert len(list(read_documents(SHARED / "data" / file, options=options))) == records
    assert options.summary.repairs[Repair.MOVED] == moved and options.summary.format == "unified"
