"""A double of a Neo4j server, down to the wire: bolt 5.4 as the driver speaks it, over a real socket.

It knows the statements of `iepile kg push` by their whole text, all but the type of a relationship in backticks: a name
that got into a statement is a syntax error here. What they do is done on two dictionaries, at COMMIT.

    with BoltServer() as server:
        server.failures = {3: ("Neo.TransientError.Transaction.DeadlockDetected", "deadlock")}   # the fourth RUN
        ...  # the driver connects to server.uri
        print(server.runs, server.nodes, server.relationships)
"""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import threading
from types import TracebackType
from typing import Any

MAGIC = b"\x60\x60\xb0\x17"
VERSION = b"\x00\x00\x04\x05"
SUCCESS, RECORD, IGNORED, FAILURE = 0x70, 0x71, 0x7E, 0x7F
HELLO, GOODBYE, RESET, RUN, BEGIN, COMMIT, ROLLBACK = 0x01, 0x02, 0x0F, 0x10, 0x11, 0x12, 0x13
DISCARD, PULL, LOGON, LOGOFF, TELEMETRY, ROUTE = 0x2F, 0x3F, 0x6A, 0x6B, 0x54, 0x66
NAMES = {HELLO: "HELLO", GOODBYE: "GOODBYE", RESET: "RESET", RUN: "RUN", BEGIN: "BEGIN", COMMIT: "COMMIT",
         ROLLBACK: "ROLLBACK", DISCARD: "DISCARD", PULL: "PULL", LOGON: "LOGON", LOGOFF: "LOGOFF",
         TELEMETRY: "TELEMETRY", ROUTE: "ROUTE"}

_TYPE = r"`(?P<type>(?:[^`]|``)+)`"
_END = r"WITH x LIMIT \$limit DELETE x RETURN count\(\*\) AS removed"
STATEMENTS = {name: re.compile(pattern, re.S) for name, pattern in {
    "schema": r"CREATE (?:CONSTRAINT iepile_\w+ IF NOT EXISTS FOR \(n:\w+\) REQUIRE n\.key IS UNIQUE|"
              r"FULLTEXT INDEX iepile_names IF NOT EXISTS FOR \(n:Entity\|Event\) ON EACH \[n\.name, n\.aliases\])",
    "node": r"UNWIND \$rows AS row MERGE \(n:(?P<label>\w+) \{key: row\.key\}\) SET n \+= row\.properties "
            r"RETURN count\(n\) AS written",
    "relationship": r"UNWIND \$rows AS row MATCH \(a:(?P<start>\w+) \{key: row\.start\}\) MATCH \(b:(?P<end>\w+) "
                    r"\{key: row\.end\}\) MERGE \(a\)-\[r:" + _TYPE + r" \{key: row\.key\}\]->\(b\) "
                    r"SET r \+= row\.properties RETURN count\(r\) AS written",
    "types": r"CALL db\.relationshipTypes\(\) YIELD relationshipType RETURN relationshipType",
    "drop": r"MATCH \(\)-\[x:" + _TYPE + r"\]->\(\) WHERE x\.graph = \$graph AND x\.pushed <> \$pushed " + _END,
    "orphans": r"MATCH \(x:(?P<label>\w+)\) WHERE x\.graph = \$graph AND x\.pushed <> \$pushed AND NOT \(x\)--\(\) "
               + _END,
    "count": r"MATCH \(\)-\[r\]->\(\) WHERE r\.graph = \$graph AND r\.pushed = \$pushed "
             r"RETURN count\(r\) AS relationships",
}.items()}


class BoltServer:
    """The server; `password` None: it asks for none."""

    def __init__(self, password: str | None = "secret") -> None:
        self.password = password
        self.runs: list[tuple[str, dict[str, Any]]] = []
        """Statements as they came, with their parameters."""
        self.messages: list[str] = []
        self.logons: list[dict[str, Any]] = []
        self.begins: list[dict[str, Any]] = []
        self.commits: list[int] = []
        """After how many statements there was a commit."""
        self.failures: dict[int, tuple[str, str]] = {}
        """Which RUN, counted from 0, fails with which code and message; "" as the code hangs up."""
        self.nodes: dict[tuple[str, str], dict[str, Any]] = {}
        self.relationships: dict[tuple[tuple[str, str], str, tuple[str, str], str], dict[str, Any]] = {}

    def __enter__(self) -> BoltServer:
        double = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Conversation(double, self.request).run()

        self.tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.tcp.server_address[1]}"
        self.uri = f"bolt://{self.address}"
        self._thread = threading.Thread(target=self.tcp.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.tcp.shutdown()
        self._thread.join()
        self.tcp.server_close()

    def execute(self, name: str, about: dict[str, str], given: dict[str, Any], graph: tuple[Any, Any]
                ) -> tuple[list[str], list[list[Any]], dict[str, int]]:
        """Do what a statement says to the nodes and relationships of a transaction: fields, rows, counters."""
        nodes, relationships = graph
        type_ = (about.get("type") or "").replace("``", "`")
        if name == "schema":
            return [], [], {}
        if name == "types":
            return ["relationshipType"], [[t] for t in dict.fromkeys(k[1] for k in relationships)], {}
        if name == "count":
            now = [r for r in relationships.values() if given.items() <= r.items()]
            return ["relationships"], [[len(now)]], {}
        if name in ("node", "relationship"):
            written = created = 0
            for row in given["rows"]:
                if name == "node":
                    held, key = nodes, (about["label"], row["key"])
                else:
                    start, end = (about["start"], row["start"]), (about["end"], row["end"])
                    held, key = relationships, (start, type_, end, row["key"])
                    if start not in nodes or end not in nodes:
                        continue
                created += key not in held
                written += 1
                held[key] = {k: v for k, v in {**held.get(key, {"key": row["key"]}), **row["properties"]}.items()
                             if v is not None}
            return ["written"], [[written]], {f"{name}s-created": created}
        linked = {end for start, _, end, _ in relationships} | {start for start, *_ in relationships}
        held = relationships if name == "drop" else nodes
        stale = [k for k, v in held.items() if v.get("graph") == given["graph"] and v["pushed"] != given["pushed"]
                 and (k[1] == type_ if name == "drop" else k[0] == about["label"] and k not in linked)]
        for k in stale[:given["limit"]]:
            del held[k]
        return ["removed"], [[len(stale[:given["limit"]])]], {}


class _Conversation:
    """One connection."""

    def __init__(self, server: BoltServer, stream: socket.socket) -> None:
        self.server, self.stream = server, stream
        self.failed = False
        self.statements = 0
        self.results: list[tuple[list[list[Any]], dict[str, int]]] = []
        self.graph: tuple[Any, Any] | None = None

    def run(self) -> None:
        if self.read(20)[:4] != MAGIC:
            return
        self.stream.sendall(VERSION)
        try:
            while True:
                tag, fields = self.message()
                self.server.messages.append(NAMES[tag])
                if tag == GOODBYE:
                    return
                self.answer(tag, fields)
        except (ConnectionError, EOFError):
            return

    def answer(self, tag: int, fields: list[Any]) -> None:
        server = self.server
        if tag == RESET:
            self.failed, self.graph, self.results = False, None, []
            self.send(SUCCESS, {})
        elif self.failed:
            self.send(IGNORED)
        elif tag == HELLO:
            self.send(SUCCESS, {"server": "Neo4j/5.26.0", "connection_id": "bolt-1", "hints": {}})
        elif tag == LOGON:
            server.logons.append(fields[0])
            if server.password is not None and fields[0].get("credentials") != server.password:
                self.fail("Neo.ClientError.Security.Unauthorized", "The client is unauthorized.")
            else:
                self.send(SUCCESS, {})
        elif tag == ROUTE:
            servers = [{"addresses": [server.address], "role": role} for role in ("ROUTE", "READ", "WRITE")]
            self.send(SUCCESS, {"rt": {"ttl": 300, "db": "neo4j", "servers": servers}})
        elif tag == BEGIN:
            server.begins.append(fields[0])
            self.graph = ({k: dict(v) for k, v in server.nodes.items()},
                          {k: dict(v) for k, v in server.relationships.items()})
            self.send(SUCCESS, {})
        elif tag == RUN:
            self.statement(*fields[:2])
        elif tag in (PULL, DISCARD):
            rows, counters = self.results.pop(0)
            for row in rows if tag == PULL else []:
                self.send(RECORD, row)
            self.send(SUCCESS, {"type": "rw", "db": "neo4j", **({"stats": counters} if counters else {})})
        elif tag == COMMIT:
            assert self.graph is not None
            server.nodes, server.relationships = self.graph
            server.commits.append(len(server.runs))
            self.graph = None
            self.send(SUCCESS, {"bookmark": f"b{len(server.commits)}"})
        else:
            self.graph = None
            self.send(SUCCESS, {})

    def statement(self, text: str, given: dict[str, Any]) -> None:
        server = self.server
        number = len(server.runs)
        server.runs.append((text, given))
        if number in server.failures:
            code, message = server.failures[number]
            if not code:
                raise ConnectionError
            return self.fail(code, message)
        known = ((name, found) for name, pattern in STATEMENTS.items() if (found := pattern.fullmatch(text)))
        name, found = next(known, ("", None))
        if found is None:
            return self.fail("Neo.ClientError.Statement.SyntaxError", f"Invalid input: {text}")
        assert self.graph is not None, "a statement outside a transaction"
        fields, rows, counters = server.execute(name, found.groupdict(), given, self.graph)
        self.results.append((rows, counters))
        self.send(SUCCESS, {"fields": fields, "t_first": 0, "qid": len(self.results) - 1})

    def fail(self, code: str, message: str) -> None:
        self.failed = True
        self.send(FAILURE, {"code": code, "message": message})

    def read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self.stream.recv(count - len(found))
            if not more:
                raise EOFError
            found += more
        return found

    def message(self) -> tuple[int, list[Any]]:
        parts: list[bytes] = []
        while True:
            size = int.from_bytes(self.read(2), "big")
            if size:
                parts.append(self.read(size))
            elif parts:
                tag, fields = unpack(b"".join(parts))
                return tag, fields

    def send(self, tag: int, *fields: Any) -> None:
        data = bytes([0xB0 + len(fields), tag]) + b"".join(map(pack, fields))
        chunks = [data[i:i + 0xFFFF] for i in range(0, len(data), 0xFFFF)]
        self.stream.sendall(b"".join(struct.pack(">H", len(c)) + c for c in chunks) + b"\0\0")


def pack(value: Any) -> bytes:
    """A value in PackStream."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return bytes([value & 0xFF]) if -16 <= value < 128 else b"\xcb" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xc1" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return b"\xd2" + struct.pack(">I", len(data)) + data
    if isinstance(value, list):
        return b"\xd6" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    return b"\xda" + struct.pack(">I", len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())


def unpack(data: bytes) -> Any:
    """The value, or (tag, fields) of the structure, that PackStream holds."""
    value, end = _unpack(data, 0)
    assert end == len(data)
    return value


def _unpack(data: bytes, at: int) -> tuple[Any, int]:
    marker, at = data[at], at + 1
    fixed = {0xC0: None, 0xC2: False, 0xC3: True}
    if marker in fixed:
        return fixed[marker], at
    if marker < 0x80 or marker >= 0xF0:
        return marker - (256 if marker >= 0xF0 else 0), at
    if marker == 0xC1:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if 0xC8 <= marker <= 0xCB:
        width = 1 << marker - 0xC8
        return int.from_bytes(data[at:at + width], "big", signed=True), at + width
    high = marker & 0xF0
    if high in (0x80, 0x90, 0xA0, 0xB0):
        size = marker & 0x0F
    else:
        width = 1 << marker % 4
        high = {0xCC: 0xC0, 0xD0: 0x80, 0xD4: 0x90, 0xD8: 0xA0}[marker & 0xFC]
        size, at = int.from_bytes(data[at:at + width], "big"), at + width
    if high in (0x80, 0xC0):
        text = data[at:at + size]
        return (text.decode() if high == 0x80 else text), at + size
    tag = None
    if high == 0xB0:
        tag, at = data[at], at + 1
    values = []
    for _ in range(size * (2 if high == 0xA0 else 1)):
        value, at = _unpack(data, at)
        values.append(value)
    if high == 0xA0:
        return dict(zip(values[::2], values[1::2], strict=True)), at
    return ((tag, values) if high == 0xB0 else values), at
