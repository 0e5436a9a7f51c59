"""The edge: one stated fact with the trail that leads to it. What reads or writes graphs passes edges around."""

from __future__ import annotations

from typing import Annotated

import msgspec

Offset = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""As the store can hold it; checked where edges are read."""


class Edge(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """One edge of the graph with its provenance. Offsets are code points into the document's text.

    Ends with equal name and type are one node; an event is a node of its own, named by `event`.
    """

    head: str
    relation: str
    tail: str
    kind: str
    """`relation`, `role` (an event to a participant), `type` (a mention or event to its type)."""
    head_type: str | None = None
    tail_type: str | None = None
    head_start: Offset | None = None
    head_end: Offset | None = None
    tail_start: Offset | None = None
    tail_end: Offset | None = None
    head_mention: str | None = None
    """The name in the text, where the head was merged into a node of another name."""
    tail_mention: str | None = None
    event: str | None = None
    """Id of the event that is the head; `head` is then its trigger, or its type where it has none."""
    ungrounded: bool = False
    """An end is not in the text: do not trust the edge unseen."""
    confidence: float | None = None
    document: str
    source: str | None = None
    instruction: str | None = None
    """First 16 hex digits of the SHA-256 of the question."""
    model: str | None = None
    snippet: str | None = None
    """The sentences that hold both ends, shortened to 300 code points."""
    snippet_start: Offset | None = None
    place: str | None = None
    """Where its ends stood in the file that the text was read from, in words: `page 3, paragraph 2`."""
