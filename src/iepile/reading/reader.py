"""A file in, its text out, with where each piece of it stood.

    documents = read_document(Path("report.pdf").read_bytes(), "report.pdf")
    documents[0].text, documents[0].meta["places"]

This reads in the process it is called in. Files of people one does not know are read by `read_bounded` of bounded.py.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from iepile.errors import InputError
from iepile.reading.form import Form, forms
from iepile.reading.limits import LIMITS, OPTIONS, ReadLimits, ReadOptions
from iepile.reading.sniffing import sniff
from iepile.reading.source import Source
from iepile.records import Document

ENDINGS = tuple(sorted(ending for form in forms().values() for ending in form.endings))
"""Endings of the files that can be read."""


def read_document(
    data: bytes, name: str, limits: ReadLimits = LIMITS, options: ReadOptions = OPTIONS
) -> list[Document]:
    """The text of a file: one document, of a table one a row.

    Args:
        data: the content of the file.
        name: its name; the ending tells the form, and it is the id of the document. It is never opened.
        limits: the most that may be read.
        options: what is taken out of it.

    Returns:
        Documents with `id` (the name, of rows `name:row`), `text`, and `meta`: `media`, `title` where there is one,
        `dropped` (what was left out, counted), `notes` (what was assumed), and `places`.

    Raises:
        InputError: unknown, damaged, encrypted, without text, or beyond a limit.
        MissingDependency: the library that reads the form is not installed.
    """
    if len(data) > limits.bytes_in:
        raise InputError(f"is {len(data):,} bytes", file=name, field="bytes_in",
                         expected=f"{limits.bytes_in:,} at most", fix="split the file, or allow more")
    if not data.strip():
        raise InputError("is empty", file=name, fix="see that it is the right file")
    form = form_of(data, name)
    source = Source(data, name, limits, options)
    try:
        return form.read(source)
    except InputError as e:
        raise e.at(name) from None
    except MemoryError:
        raise InputError("needs more memory than there is", file=name, fix="split the file") from None
    except RecursionError:
        raise InputError(f"is no {form.name} file that can be read: its parts are nested too deeply", file=name,
                         fix="save it anew with the program that wrote it") from None


def form_of(data: bytes, name: str) -> Form:
    """The form of a file, by its ending and its first bytes, which must agree; by its bytes where the ending is none
    that is known.

    Raises:
        InputError: the two disagree, or neither tells a form that can be read.
    """
    ending = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    said = next((form for form in forms().values() if ending in form.endings), None)
    found = sniff(data)
    if said is None:
        if found in forms():
            return forms()[found]
        raise InputError(f"is {found}" if found else f"has the ending {ending!r}" if ending else "has no ending",
                         file=name, expected="files ending in " + ", ".join(ENDINGS),
                         fix="save it in one of these forms" if found or ending else "give it the ending of its form")
    if said.packed == found:
        return said
    if found in forms():
        raise InputError(f"is called {ending} but is {forms()[found].name}", file=name,
                         fix=f"rename it to end in {forms()[found].endings[0]}")
    if found:
        raise InputError(f"is called {ending} but is {found}", file=name, expected=said.name,
                         fix="save it as " + said.name)
    raise InputError(f"is called {ending} but is no {said.name} file", file=name,
                     fix="see that it is whole: it may have been cut off or renamed")
