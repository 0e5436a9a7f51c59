"""A zip file of parts, as Word, Excel and EPUB files are: read part by part in memory, each within the limits.

Nothing is written to a disk, so names of parts that climb out of a folder lead nowhere. Sizes that the archive states
are not believed: what comes out is counted.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from typing import Any
from urllib.parse import unquote

from iepile.reading.markup import lxml
from iepile.reading.source import Source

ENTRIES = 20_000
"""Most parts of a file."""
FREE = 1 << 20
"""Bytes of a part up to which it may have any ratio: a page of blanks packs well."""
BLOCK = 1 << 18
_ENCRYPTED = 0x1
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, KeyError,
           UnicodeError, IndexError)


class Package:
    """The parts of a file.

    Raises:
        InputError: no zip file, or one with too many parts.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            self.zip = zipfile.ZipFile(io.BytesIO(source.data))
        except _DAMAGE:
            source.fail("is damaged: it is no zip file that can be read", fix="fetch it again, or save it anew")
        entries = self.zip.infolist()
        if len(entries) > ENTRIES:
            source.fail(f"has {len(entries):,} parts", expected=f"{ENTRIES:,} at most")
        self.names = {entry.filename: entry for entry in entries}

    def read(self, name: str) -> bytes:
        """The content of a part; empty where there is none.

        Raises:
            InputError: damaged, with a password, or beyond the limits.
        """
        entry = self.names.get(name)
        if entry is None:
            return b""
        if entry.flag_bits & _ENCRYPTED:
            self.source.fail("has a password", fix="save it without one")
        out: list[bytes] = []
        size = 0
        try:
            with self.zip.open(entry) as file:
                while block := file.read(BLOCK):
                    size += len(block)
                    self._count(name, entry.compress_size, size, len(block))
                    out.append(block)
        except _DAMAGE as e:
            self.source.fail(f"is damaged: its part {name[:100]} cannot be unpacked ({str(e)[:80]})",
                             fix="fetch it again, or save it anew")
        return b"".join(out)

    def _count(self, name: str, packed: int, size: int, more: int) -> None:
        source, limits = self.source, self.source.limits
        source.tick()
        source.inflated += more
        if source.inflated > limits.bytes_inflated:
            source.fail(f"unpacks to more than {limits.bytes_inflated:,} bytes", field="bytes_inflated",
                        fix="split the file, or allow more")
        if size > FREE and size > limits.ratio * max(packed, 1):
            source.fail(f"is made to burst: its part {name[:100]} unpacks to more than {limits.ratio} times its size",
                        field="ratio", fix="do not open this file")

    def xml(self, name: str) -> Any:
        """The root element of a part; None where there is none. No document type is let through: the standards of these
        files know none, and entities are declared there.

        Raises:
            InputError: no XML, or with a document type.
        """
        data = self.read(name)
        if not data.strip():
            return None
        if b"<!ENTITY" in data:
            self._no_type(name)
        root = parse_xml(data)
        if root is None:
            self.source.fail(f"is damaged: its part {name[:100]} is no XML", fix="fetch it again, or save it anew")
        if root.getroottree().docinfo.internalDTD is not None:
            self._no_type(name)
        return root

    def _no_type(self, name: str) -> None:
        self.source.fail(f"declares entities in its part {name[:100]}, which no program does that writes such files",
                         fix="do not open this file")

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """The parts that an Office part points to, not those outside: id -> (last word of the type, name)."""
        folder, _, file = part.rpartition("/")
        root = self.xml(f"{folder}/_rels/{file}.rels".lstrip("/"))
        out: dict[str, tuple[str, str]] = {}
        for relation in () if root is None else root.iterfind("{*}Relationship"):
            if relation.get("TargetMode") != "External":
                kind = (relation.get("Type") or "").rpartition("/")[2]
                out[relation.get("Id") or ""] = (kind, within(folder, relation.get("Target") or ""))
        return out


def within(folder: str, target: str) -> str:
    """The name of a part as another part in `folder` writes it."""
    target = unquote(target.split("#")[0])
    path = posixpath.normpath(target if target.startswith("/") else posixpath.join(folder, target))
    return path.lstrip("/")


def parse_xml(data: bytes) -> Any:
    """The root of some XML, or None; no entity is expanded, no document type read, nothing fetched."""
    etree = lxml()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
                             huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
