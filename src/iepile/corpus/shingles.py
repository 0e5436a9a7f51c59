"""What makes two texts alike: their words (English) or characters (Chinese), a few in a row.

>>> tokens("The U.S. court, 2024")
['the', 'u', 's', 'court', '2024']
>>> shingles("我们去北京。")
['我 们 去 北', '们 去 北 京']
>>> jaccard(frozenset("abc"), frozenset("bcd"))
0.5
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

from iepile.language import language_of

LENGTH = {"zh": 4, "en": 3}
"""Tokens of a shingle: four characters are two Chinese words."""

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(f"[{_CHINESE}]|[^\\W_{_CHINESE}]+")


def fold(text: str) -> str:
    """The text without case, width and white space that mean nothing: equal for exact duplicates."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def tokens(text: str) -> list[str]:
    """Chinese characters and words of other scripts, without case, punctuation left out."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def shingles(text: str) -> list[str]:
    """Every few tokens in a row, repeated ones too; all tokens as one where there are fewer."""
    return shingles_of(tokens(text), language_of(text))


def shingles_of(words: list[str], language: str) -> list[str]:
    """`shingles` of a text that is in tokens already."""
    size = LENGTH[language]
    if len(words) <= size:
        return [" ".join(words)] if words else []
    return [" ".join(words[i : i + size]) for i in range(len(words) - size + 1)]


def enough(words: list[str], language: str, least: int) -> bool:
    """Whether a text has that many words; two Chinese characters count as one."""
    return len(words) >= (2 * least if language == "zh" else least)


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Shared over all; 1 for two empty sets."""
    return len(a & b) / len(a | b) if a or b else 1.0


def digest(text: str) -> int:
    """64 bits that stand for the text; the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
