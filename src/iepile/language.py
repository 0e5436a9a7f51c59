"""Which language a text is in, told by its script: it decides the prompt's wording and how tokens are joined.

>>> language_of("理想汽车计划IPO"), language_of("The word 道 means way")
('zh', 'en')
"""

from __future__ import annotations

import re

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z]+")


def language_of(text: str) -> str:
    """`zh` where Chinese characters outnumber Latin words, else `en`."""
    return "zh" if len(_CHINESE.findall(text)) > len(_WORD.findall(text)) else "en"
