r"""Text as RDF can hold it, and back.

Characters that XML, and so xsd:string, cannot hold (NUL and other control characters, halves of surrogate pairs, U+FFFE
and U+FFFF) are written `\uXXXX`, back slashes then `\\`, and the literal is of the datatype kg:escapedString. All other
text stays as it is.
"""

from __future__ import annotations

import re

from iepile.errors import InputError

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPE = re.compile("[^\t\n\r\x20-\\[\\]-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|(\\)|)")


def escaped(text: str) -> str | None:
    """The text with escapes; None: it needs none."""
    if not _NO_XML.search(text):
        return None
    return _ESCAPE.sub(lambda found: "\\\\" if found[0] == "\\" else f"\\u{ord(found[0]):04x}", text)


def unescaped(text: str) -> str:
    """Undo `escaped`.

    Raises:
        InputError: a back slash that escapes nothing.
    """
    def char(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 16))
        if found[2]:
            return "\\"
        raise InputError(f"an escape that is none in {text[:60]!r}", expected=r"\uXXXX or \\ in kg:escapedString")

    return _ESCAPED.sub(char, text)
