"""The table of all data sets in the docs, made from the cards.

    python -m iepile.corpus.catalog_table docs/en/catalog.md docs/zh/catalog.md

writes it anew between the two marks of each page; the language is the name of the page's folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from iepile.corpus.catalog import ROLES, UNKNOWN, Card, cards
from iepile.errors import InputError

BEGIN, END = "<!-- data sets: begin -->", "<!-- data sets: end -->"
_COLUMNS = {
    "en": ("data set", "task", "language", "domain", "splits", "raw formats", "licence"),
    "zh": ("数据集", "任务", "语言", "领域", "划分", "原始格式", "许可"),
}
_WORDS_ZH = {
    "train": "训练集", "held-out": "零样本测试集", "extra": "IEPile 之外", "en": "英文", "zh": "中文", UNKNOWN: "未知",
    "general": "通用", "news": "新闻", "encyclopedia": "百科", "social media": "社交媒体", "dialogue": "对话",
    "medicine": "医学", "science": "科学", "finance": "金融", "law": "法律", "security": "网络安全",
    "manufacturing": "制造", "traffic": "交通",
}
_HEADS_EN = {"train": "For training", "held-out": "Held out, for zero-shot tests", "extra": "Not part of IEPile"}


def table(language: str) -> str:
    """The data sets as Markdown, one table for each role; names link to where the data are."""
    parts = []
    for role in ROLES:
        known = [card for card in cards().values() if card.role == role]
        head = _HEADS_EN[role] if language == "en" else _WORDS_ZH[role]
        rows = (_COLUMNS[language], ("---",) * len(_COLUMNS[language]), *(_row(card, language) for card in known))
        lines = "\n".join("| " + " | ".join(row) + " |" for row in rows)
        parts.append(f"### {head} ({len(known)})\n\n{lines}\n")
    return "\n".join(parts)


def _row(card: Card, language: str) -> tuple[str, ...]:
    def word(text: str) -> str:
        return text if language == "en" else _WORDS_ZH.get(text, text)

    formats = dict.fromkeys(source.format for sources in card.splits.values() for source in sources)
    cut = card.cut and " / ".join(f"{share * 100:g}%" for share in (card.cut.train, card.cut.dev, card.cut.test))
    return (
        card.name if card.home == UNKNOWN else f"[{card.name}]({card.home})", ", ".join((card.task, *card.also)),
        word(card.language), word(card.domain), cut or ", ".join(card.splits) or "-", ", ".join(formats) or "-",
        word(card.licence),
    )


def with_table(page: str, language: str) -> str:
    """The page with the table of today between its marks.

    Raises:
        InputError: the page lacks a mark.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError("the page has no place for the table", expected=f"{BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{table(language)}\n{END}{after}"


def main(pages: Sequence[str]) -> None:
    """Bring pages up to date."""
    for page in map(Path, pages):
        page.write_text(with_table(page.read_text("utf-8"), page.parent.name), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
