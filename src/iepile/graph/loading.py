"""Putting facts into a store: batch by batch, so that a crash loses and doubles nothing; what was there is replaced.

    with Store("graph.db", write=True) as store:
        loading = Loading(store, "pred.json", digest)
        loading.put(Part("d1", "news", "RE", 1), edges)
        loading.finish()

The unit that is replaced is what was known of one document for one task. All that one run says of it stays, wherever it
stands in the file. A run that was broken off goes on where it was: `Loading.line` tells how far it had come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from iepile.graph.edge import Edge
from iepile.graph.sameness import AS_READ, forget, record, settle
from iepile.graph.store import Store

BATCH = 20_000
"""Edges between two commits."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_COLUMNS = ("part, kind, head, relation, tail, tail_word, typed, head_start, head_end, tail_start, tail_end, "
            "ungrounded, confidence, question, model, quotation, place")


class Part(msgspec.Struct, frozen=True):
    """What a run found in one document for one task."""

    document: str
    source: str | None
    task: str
    line: int
    """Where it stands in the input."""
    text: str | None = None
    """SHA-256 of the text, where it is known: facts of another text of that name are replaced whatever their task."""


class Loading:
    """One run over one input.

    Args:
        store: opened for writing.
        input: name of what is read.
        digest: of its content and of the settings; an unfinished run of the same is taken up.
    """

    def __init__(self, store: Store, input: str, digest: str) -> None:
        self.store, self.db = store, store.db
        self.line = 0
        """Parts up to this line are in."""
        self.replaced = 0
        """Parts of earlier runs that were replaced."""
        self._words: dict[str, int] = {}
        self._nodes: dict[tuple[str, str | None, str | None], int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._quotations: list[tuple[Any, ...]] = []
        self._merges: list[tuple[int, int]] = []
        self._part: tuple[tuple[str, str | None, str], int] | None = None
        self._quoted: tuple[tuple[int, int | None, str] | None, int] = (None, 0)
        self._touched: set[int] = set()
        self._begin()
        known = self.db.execute("SELECT id, line FROM run WHERE digest = ? AND NOT finished", (digest,)).fetchone()
        if known:
            self.run, self.line = known
        else:
            # A run that is begun anew leaves what it had put in; the new one replaces it part by part.
            self.db.execute("DELETE FROM run WHERE input = ? AND NOT finished AND id NOT IN (SELECT run FROM part)",
                            (input,))
            self.db.execute("UPDATE run SET finished = 1 WHERE input = ? AND NOT finished", (input,))
            self.run = self.db.execute("INSERT INTO run (input, digest) VALUES (?, ?)", (input, digest)).lastrowid
        self._next = {table: self.db.execute(f"SELECT ifnull(max(id), 0) + 1 FROM {table}").fetchone()[0]
                      for table in ("node", "quotation")}

    def put(self, part: Part, edges: Iterable[Edge]) -> int:
        """Put in the edges of one part. Returns how many."""
        if len(self._rows) >= BATCH and part.line > self.line:  # not between the parts of one line
            self.commit()
        key = (part.document, part.source, part.task)
        if self._part is None or self._part[0] != key:
            self._part = (key, self._open(part))
        id_, before = self._part[1], len(self._rows)
        for edge in edges:
            self._rows.append(self._row(id_, edge, self._quote(id_, edge)))
        self.line = part.line
        return len(self._rows) - before

    def finish(self) -> None:
        """The run is done: nodes that nothing names any more go."""
        self._flush()
        self.db.execute("UPDATE run SET line = ?, finished = 1 WHERE id = ?", (self.line, self.run))
        tidy(self.store)
        self.db.execute("COMMIT")
        for table, column in (("edge", "head"), ("edge", "tail"), ("node", "name")):
            self.db.execute(f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column})")

    def commit(self) -> None:
        """What was put in so far stays, whatever comes."""
        self._flush()
        self.db.execute("UPDATE run SET line = ? WHERE id = ?", (self.line, self.run))
        self.db.execute("COMMIT")
        self._begin()

    def _begin(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def _open(self, part: Part) -> int:
        """The id of the part, emptied of what other runs put there."""
        key = (_text(part.document), _optional(part.source))
        document: int | None
        document, text = self.db.execute("SELECT id, text FROM document WHERE key = ? AND source IS ?", key
                                         ).fetchone() or (None, None)
        if document is None:
            document = self.db.execute("INSERT INTO document (key, source, text) VALUES (?, ?, ?)", (*key, part.text)
                                       ).lastrowid or 0
        elif part.text is not None and part.text != text:
            self.db.execute("UPDATE document SET text = ? WHERE id = ?", (part.text, document))
        anew = None not in (text, part.text) and text != part.text
        self._touched.add(document)
        task = _text(part.task)
        known = self.db.execute("SELECT id, task, run FROM part WHERE document = ?", (document,)).fetchall()
        for id_, of, run in known:
            if of == task and run == self.run:
                return int(id_)
            if of != task and not (anew and run != self.run):
                continue
            drop_part(self.store, id_)
            self.replaced += 1
        cursor = self.db.execute("INSERT INTO part (document, task, run) VALUES (?, ?, ?)", (document, task, self.run))
        return cursor.lastrowid or 0

    def _quote(self, part: int, edge: Edge) -> int | None:
        """The quotation of an edge; those that follow each other share it where they can."""
        if edge.snippet is None:
            return None
        key = (part, edge.snippet_start, edge.snippet)
        if self._quoted[0] != key:
            self._quoted = (key, self._new("quotation"))
            self._quotations.append((self._quoted[1], part, edge.snippet_start, _text(edge.snippet)))
        return self._quoted[1]

    def _row(self, part: int, edge: Edge, quotation: int | None) -> tuple[Any, ...]:
        head = self._end(edge.head, edge.head_type, edge.head_mention, edge.event)
        is_type = edge.kind == "type"
        tail = None if is_type else self._end(edge.tail, edge.tail_type, edge.tail_mention, None)
        typed = (edge.head_type is not None or edge.event is not None) | (edge.tail_type is not None) << 1
        word = self._word(edge.tail) if is_type else None
        return (part, _text(edge.kind), head, self._word(edge.relation), tail, word, typed,
                edge.head_start, edge.head_end, edge.tail_start, edge.tail_end, edge.ungrounded,
                edge.confidence, None if edge.instruction is None else self._word(edge.instruction),
                None if edge.model is None else self._word(edge.model), quotation,
                _optional(edge.place))

    def _end(self, name: str, type_: str | None, mention: str | None, event: str | None) -> int:
        kept = self._node(name, type_, event)
        if mention is None or event is not None:
            return kept
        gone = self._node(mention, type_, None)
        if gone != kept:
            self._merges.append((gone, kept))
        return gone

    def _node(self, name: str, type_: str | None, event: str | None) -> int:
        key = (name, type_, event) if event is None else ("", None, event)
        known = self._nodes.get(key)
        if known is None:
            if len(self._nodes) > 500_000:
                self._nodes.clear()
            text, kind, id_ = _text(name), _optional(type_), _optional(event)
            sql, values = (("SELECT id FROM node WHERE event = ?", (id_,)) if event is not None else
                           ("SELECT id FROM node WHERE name = ? AND type IS ? AND event IS NULL", (text, kind)))
            found = self.db.execute(sql, values).fetchone()
            if found:
                known = found[0]
            else:
                known = self._new("node")
                self.db.execute("INSERT INTO node (id, event, type, name, same_as) VALUES (?, ?, ?, ?, ?)",
                                (known, id_, kind, text, known))
            self._nodes[key] = known
        return known

    def _word(self, text: str) -> int:
        known = self._words.get(text)
        if known is None:
            self.db.execute("INSERT OR IGNORE INTO word (text) VALUES (?)", (_text(text),))
            known = self.db.execute("SELECT id FROM word WHERE text = ?", (_text(text),)).fetchone()[0]
            self._words[text] = known
        return known

    def _new(self, table: str) -> int:
        self._next[table] += 1
        return int(self._next[table]) - 1

    def _flush(self) -> None:
        self.db.executemany("INSERT INTO quotation VALUES (?, ?, ?, ?)", self._quotations)
        marks = ", ".join("?" * len(_COLUMNS.split(", ")))
        self.db.executemany(f"INSERT INTO edge ({_COLUMNS}) VALUES ({marks})", self._rows)
        self._quotations.clear()
        self._rows.clear()
        settle_types(self.store, self._touched)
        self._touched.clear()
        self._next["node"] = self.db.execute("SELECT ifnull(max(id), 0) + 1 FROM node").fetchone()[0]
        if self._merges:
            record(self.store, ((gone, kept, 1.0, AS_READ, "the input names both") for gone, kept in self._merges))
            self._merges.clear()


def settle_types(store: Store, documents: Iterable[int]) -> None:
    """Ends that came without a type take the one that their document gives the name, if it gives just one.

    The result is the same in whatever order the facts of a document came.
    """
    db = store.db
    db.execute("CREATE TEMP TABLE IF NOT EXISTS touched (document INTEGER PRIMARY KEY)")
    db.execute("CREATE TEMP TABLE IF NOT EXISTS settled (edge INTEGER PRIMARY KEY, name TEXT, type TEXT)")
    db.execute("DELETE FROM touched")
    db.executemany("INSERT INTO touched VALUES (?)", ((d,) for d in documents))
    for end, bit in (("head", 1), ("tail", 2)):
        db.execute("DELETE FROM settled")
        db.execute(f"""
            INSERT INTO settled
            SELECT e.id, n.name, CASE WHEN k.types = 1 THEN k.type END
            FROM touched d JOIN part p ON p.document = d.document JOIN edge e ON e.part = p.id
            JOIN node n ON n.id = e.{end}
            LEFT JOIN (
              SELECT p.document, n.name, count(DISTINCT n.type) AS types, min(n.type) AS type
              FROM touched d JOIN part p ON p.document = d.document JOIN edge e ON e.part = p.id
              JOIN node n ON n.id = e.head
              WHERE e.kind = 'type' AND n.event IS NULL GROUP BY p.document, n.name
            ) k ON k.document = p.document AND k.name = n.name
            WHERE e.kind != 'type' AND NOT e.typed & {bit}
              AND n.type IS NOT CASE WHEN k.types = 1 THEN k.type END""")
        db.execute("""
            INSERT INTO node (type, name, same_as)
            SELECT DISTINCT s.type, s.name, 0 FROM settled s
            WHERE NOT EXISTS (SELECT 1 FROM node n WHERE n.name = s.name AND n.type IS s.type AND n.event IS NULL)""")
        db.execute("UPDATE node SET same_as = id WHERE same_as = 0")
        db.execute(f"""
            UPDATE edge SET {end} = (SELECT n.id FROM settled s JOIN node n
              ON n.name = s.name AND n.type IS s.type AND n.event IS NULL WHERE s.edge = edge.id)
            WHERE id IN (SELECT edge FROM settled)""")


def drop_part(store: Store, part: int) -> None:
    """Take out what one part put in."""
    store.db.execute("DELETE FROM violation WHERE edge IN (SELECT id FROM edge WHERE part = ?)", (part,))
    for table in ("edge", "quotation"):
        store.db.execute(f"DELETE FROM {table} WHERE part = ?", (part,))
    store.db.execute("DELETE FROM part WHERE id = ?", (part,))


def tidy(store: Store) -> None:
    """Take out runs and documents without parts, nodes without edges, and the merges of these."""
    store.db.execute("DELETE FROM run WHERE finished AND id NOT IN (SELECT run FROM part)")
    store.db.execute("DELETE FROM document WHERE NOT EXISTS (SELECT 1 FROM part p WHERE p.document = document.id)")
    store.db.execute("CREATE TEMP TABLE IF NOT EXISTS named (node INTEGER PRIMARY KEY)")
    store.db.execute("DELETE FROM named")
    store.db.execute("INSERT INTO named SELECT head FROM edge UNION SELECT tail FROM edge WHERE tail IS NOT NULL")
    forget(store)
    store.db.execute("DELETE FROM node WHERE id NOT IN (SELECT node FROM named)")
    settle(store)


def _text(text: str) -> str:
    """As UTF-8 can hold it: halves of surrogate pairs become U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def _optional(text: str | None) -> str | None:
    return None if text is None else _text(text)
