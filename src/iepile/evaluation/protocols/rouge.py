"""ROUGE-1, ROUGE-2 and ROUGE-L of texts: F measures from 0 to 1, as the packages `rouge` and `rouge_chinese` give them.

    rouge("police kill the gunman", "police killed the gunman").rouge_l
    rouge_of("他去了北京", "他去北京", "zh")

C.-Y. Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004. Both packages count each n-gram of a text once,
across the ends of sentences, and add 1e-8 to what F is divided by. ROUGE-L is that of the distinct words in the union
of common subsequences (`rouge`), or of the longest common subsequence of all words (`rouge_chinese`). Subsequences are
found with the bits of whole numbers, 64 cells at once (H. Hyyrö, Bit-Parallel LCS-length Computation Revisited, 2004).
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from iepile.errors import MissingDependency

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MARKS = str.maketrans(dict.fromkeys("!\"#$%&()*+,-./:;<=>?@[]\\^`{|}~_'", " "))
_ENDS_ZH = tuple(re.compile(f"({mark})({after})", re.DOTALL) for mark, after in (
    ("[。！？?]", "[^”’]"), (r"\.{6}", "[^”’]"), ("…{2}", "[^”’]"), ("[。！？?][”’]", "[^，。！？?]")))
"""An end of a sentence and the character after it; one after the other, as a break may give rise to the next."""


class Rouge(NamedTuple):
    """F measures."""

    rouge_1: float
    rouge_2: float
    rouge_l: float


def rouge(hypothesis: str, reference: str) -> Rouge:
    """Of two texts whose words stand between blanks and whose sentences end with a full stop, as `rouge` 1.0.1.

    Raises:
        ValueError: a text without any character but full stops.
    """
    said, gold = (_sentences(text.split(".")) for text in (hypothesis, reference))
    words, gold_words = (list(chain.from_iterable(sentences)) for sentences in (said, gold))
    common: set[str] = set()
    for of_gold in gold:
        for of_said in said:
            common |= _common_words(of_gold, of_said)
    rouge_l = _f(len(common), len(set(words)), len(set(gold_words)))
    return Rouge(_ngrams(words, gold_words, 1), _ngrams(words, gold_words, 2), rouge_l)


def rouge_chinese(hypothesis: str, reference: str) -> Rouge:
    """Of two texts whose words stand between blanks, sentences ending as Chinese ones do, as `rouge_chinese` 1.0.3.

    Raises:
        ValueError: a text of blanks only.
    """
    said, gold = (_sentences(_lines_zh(text)) for text in (hypothesis, reference))
    words, gold_words = (list(chain.from_iterable(sentences)) for sentences in (said, gold))
    rouge_l = _f(_length_of_common(gold_words, words), len(words), len(gold_words))
    return Rouge(_ngrams(words, gold_words, 1), _ngrams(words, gold_words, 2), rouge_l)


def rouge_of(
    hypothesis: str, reference: str, language: str, cut: Callable[[str], Sequence[str]] | None = None
) -> Rouge:
    """Of two texts as they are: `zh` is cut into words, `en` is made lower case without marks and articles.

    Two texts without words are equal (1); one without words has nothing of the other (0).

    Args:
        cut: how Chinese is cut; by default into the words of jieba.

    Raises:
        MissingDependency: `zh` without `cut`, and jieba is not installed.
    """
    if language == "zh":
        cut = cut or words_of()
        said, gold = (" ".join(cut(text.strip())) for text in (hypothesis, reference))
    else:
        said, gold = _normal_english(hypothesis), _normal_english(reference)
    if not said.strip() or not gold.strip():
        return Rouge(*[float(not said.strip() and not gold.strip())] * 3)
    return rouge_chinese(said, gold) if language == "zh" else rouge(said, gold)


@lru_cache(maxsize=1)
def words_of() -> Callable[[str], list[str]]:
    """The function that cuts Chinese into words, jieba's.

    Raises:
        MissingDependency: jieba is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jieba = importlib.import_module("jieba")
    except ImportError:
        raise MissingDependency("jieba", "rouge", "ROUGE of Chinese text") from None
    tokenizer = jieba.Tokenizer()
    # Made here: `initialize` would trust a file in the folder for temporary files, which others may have written.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    cut: Callable[[str], list[str]] = tokenizer.lcut
    return cut


def _normal_english(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.strip().lower().translate(_MARKS)).split())


def _lines_zh(text: str) -> list[str]:
    for end in _ENDS_ZH:
        text = end.sub(r"\1\n\2", text)
    return text.rstrip().split("\n")


def _sentences(pieces: Sequence[str]) -> list[list[str]]:
    """The words of each; a piece of blanks has one word, the empty one."""
    sentences = [piece.split() or [""] for piece in pieces if piece]
    if not sentences:
        raise ValueError("no words")
    return sentences


def _f(common: int, said: int, gold: int) -> float:
    precision, recall = common / said if said else 0.0, common / gold if gold else 0.0
    return 2.0 * (precision * recall / (precision + recall + 1e-8))


def _ngrams(words: list[str], gold: list[str], n: int) -> float:
    ours, theirs = (set(zip(*(w[k:] for k in range(n)), strict=False)) for w in (words, gold))
    return _f(len(ours & theirs), len(ours), len(theirs))


def _places(words: list[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for n, word in enumerate(words):
        places[word] = places.get(word, 0) | 1 << n
    return places


def _length_of_common(first: list[str], second: list[str]) -> int:
    places, full = _places(second), (1 << len(second)) - 1
    row = full
    for word in first:
        if found := places.get(word):
            step = row & found
            row = (row + step | row - step) & full
    return len(second) - row.bit_count()


def _common_words(first: list[str], second: list[str]) -> set[str]:
    """The words of that longest common subsequence which `rouge` finds: from the end, where two ways are as long, it
    goes back in `second`."""
    places, full = _places(second), (1 << len(second)) - 1
    rows = [full]
    for word in first:
        row = rows[-1]
        if found := places.get(word):
            step = row & found
            row = (row + step | row - step) & full
        rows.append(row)
    common: set[str] = set()
    i, j = len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            common.add(first[i - 1])
            i, j = i - 1, j - 1
        elif rows[i] >> (j - 1) & 1:  # the subsequence does not grow with this word of `second`
            j -= 1
        else:
            i -= 1
    return common
