"""An instruction: prompt, schema batch and text as the one JSON string that IEPile rows hold.

>>> Instruction("Find.", ["person"], "Ada.").render()
'{"instruction": "Find.", "schema": ["person"], "input": "Ada."}'

With the text before the schema, all questions about one text begin alike, so that a model reads it once:

>>> text_first('{"instruction": "Find.", "schema": ["person"], "input": "Ada."}')
TextFirst(prefix='{"instruction": "Find.", "input": "Ada.", "schema": ', branch='["person"]}')
"""

from __future__ import annotations

from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import BROKEN_JSON, dumps

EXPECTED = 'a JSON string {"instruction": text, "schema": [...], "input": text}'


class Instruction(msgspec.Struct, frozen=True):
    """A question about one text (formats.md 1.3)."""

    prompt: str
    schema: list[Any]
    """Entries as the task writes them, at most `split_num`."""
    input: str
    """The text, verbatim."""

    def render(self) -> str:
        """The JSON string, keys in the order the format fixes."""
        return dumps({"instruction": self.prompt, "schema": self.schema, "input": self.input})


class _Wire(msgspec.Struct):
    instruction: str
    input: str
    schema: list[Any] | dict[str, Any]


_decoder = msgspec.json.Decoder(_Wire)


def read_instruction(text: str) -> Instruction:
    """Parse the `instruction` field of a row. A schema given as label -> description becomes its labels.

    Raises:
        InputError: not that JSON object.
    """
    try:
        w = _decoder.decode(text)
    except BROKEN_JSON as e:
        words = text.strip() and not text.lstrip().startswith(("{", "[", '"'))
        raise InputError(f"not an instruction: {'plain words' if words else e}", field="instruction", expected=EXPECTED,
                         fix="name the task of questions in words (TRIPLES), or convert the documents for another task"
                         if words else None) from None
    return Instruction(w.instruction, list(w.schema), w.input)


class TextFirst(msgspec.Struct, frozen=True):
    """An instruction with the schema last, split where questions about one text part.

    Tokens may straddle the split: encode `text` whole, and take for shared the ids that the questions about
    one text have in common at their beginning.
    """

    prefix: str
    """The same for all questions about one text."""
    branch: str
    """The schema, and the end of the JSON object."""

    @property
    def text(self) -> str:
        """The whole JSON string."""
        return self.prefix + self.branch


_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


def read_fields(text: str) -> dict[str, Any]:
    """The fields of an instruction as they stand, in their order: descriptions and keys of others too.

    Raises:
        InputError: not an instruction.
    """
    read_instruction(text)
    return _decode_fields(text)


def text_first(text: str) -> TextFirst:
    """Put the schema of an instruction (as rows hold it) behind its text; descriptions and other keys stay.

    Raises:
        InputError: not an instruction.
    """
    fields = read_fields(text)
    schema = fields.pop("schema")
    first = {k: fields.pop(k) for k in ("instruction", "input")}
    return TextFirst(dumps(first | fields)[:-1] + ', "schema": ', dumps(schema) + "}")
