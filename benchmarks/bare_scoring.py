"""The bare loop that score_speed.py compares with: parse NER rows with msgspec, look up each answered mention.

    python benchmarks/bare_scoring.py FILE

Prints the CPU seconds of the loop alone, and right, answered and gold mentions. No ids, no sources, no labels, no
repeats, nothing of what is odd: the least that scoring such rows takes as a plain script.
"""

import gc
import sys
import time

import msgspec


class Row(msgspec.Struct, gc=False):
    id: str = ""
    source: str = ""
    task: str = ""
    instruction: str = ""
    label: str = ""
    output: str = ""


class Fact(msgspec.Struct, gc=False):
    entity: str
    entity_type: str


class Wire(msgspec.Struct, gc=False):
    input: str
    schema: msgspec.Raw


read_row = msgspec.json.Decoder(Row).decode
read_wire = msgspec.json.Decoder(Wire).decode
read_label = msgspec.json.Decoder(list[Fact]).decode
read_answer = msgspec.json.Decoder(dict[str, list[str]]).decode

gc.disable()
begun = time.process_time()
right = answered = there = 0
for line in open(sys.argv[1], "rb"):  # noqa: SIM115
    row = read_row(line)
    wire = read_wire(row.instruction)
    label = read_label(row.label)
    try:
        answer = read_answer(row.output)
    except msgspec.DecodeError:
        answer = {}
    gold = [(fact.entity_type, fact.entity) for fact in label]
    pred = [(k, v) for k, vs in answer.items() for v in vs]
    there += len(gold)
    answered += len(pred)
    for p in pred:
        if p in gold:
            gold.remove(p)
            right += 1
print(time.process_time() - begun, right, answered, there)
