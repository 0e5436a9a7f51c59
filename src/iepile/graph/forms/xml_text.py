"""Text in XML: what is escaped, and what stands for characters that XML cannot hold."""

from __future__ import annotations

import re

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write."""
_SPECIAL = re.compile("[^\t\n\x20-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def escaped(text: str) -> str:
    """Text as the content of an element; reading it gives `shown(text)`."""
    return _SPECIAL.sub(lambda found: _ESCAPED.get(found[0]) or _picture(found), text)


def shown(text: str) -> str:
    """Text as XML can hold it: control characters as their pictures (U+2400 and on), others as U+FFFD."""
    return NO_XML.sub(_picture, text)


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"
