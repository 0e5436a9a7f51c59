"""Text that was read in a wrong encoding: found, never mended.

>>> is_mojibake("cafÃ© au lait"), is_mojibake("café au lait"), is_mojibake("锟斤拷锟斤拷")
(True, False, True)
"""

from __future__ import annotations

import re

# U+FFFD and C1 controls have no place in a text; the others are what they and 0xCC turn into as GBK.
_SURE = re.compile("[\ufffd\x80-\x9f]|锟斤拷|烫烫烫|屯屯屯|ï»¿")
_FOREIGN = re.compile(r"[^\x00-\x7f]{2,}")
_CHINESE = re.compile(r"[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")  # three bytes each


def is_mojibake(text: str) -> bool:
    """True where a stretch of the text is sound UTF-8 once written in the encoding it was wrongly read in.

    Tried are Windows-1252 (UTF-8 read as Western) and GB18030 (UTF-8 read as Chinese).
    """
    if text.isascii():
        return False
    return _SURE.search(text) is not None or any(_misread(m[0]) for m in _FOREIGN.finditer(text))


def _misread(run: str) -> bool:
    if max(run) < "\u2123":  # the letters of Windows-1252 lie below
        try:
            return bool(run.encode("cp1252").decode("utf-8"))
        except UnicodeError:
            return False
    if len(run) < 4:
        return False
    data = run.encode("gb18030", "ignore")
    # Sound Chinese written in GB18030 is hardly ever sound UTF-8, and then not Chinese. A stray byte at the end of
    # a word is usual, so not all must fit.
    return 3 * len(_CHINESE.findall(data.decode("utf-8", "ignore"))) > 0.8 * len(data)
