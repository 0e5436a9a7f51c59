"""Text that grows: what is given out in pieces is the text of all tokens, characters whole, up to a stop text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iepile.extraction.growing_text import GrowingText
from tiny_models import byte_level_tokenizer, sentencepiece_tokenizer

TOKENIZERS = (byte_level_tokenizer(), sentencepiece_tokenizer())
TEXT = st.text(st.sampled_from("aAb {}\":,[]é康有为👩‍👧\n") | st.characters(exclude_categories=["Cs"]), max_size=30)


def bytes_of(tokens: list[int]) -> str:
    return bytes(tokens).decode("utf-8", "replace")


@given(TEXT, st.sampled_from(TOKENIZERS))
def test_pieces_make_the_text(text: str, tokenizer: object) -> None:
    ids = tokenizer.encode(text, add_special_tokens=False)  # type: ignore[attr-defined]

    def decode(tokens: list[int]) -> str:
        return str(tokenizer.decode(tokens, skip_special_tokens=True))  # type: ignore[attr-defined]

    growing = GrowingText(decode)
    pieces = [growing.add(i) for i in ids] + [growing.close()]
    assert "".join(pieces) == growing.text == decode(ids).rstrip("\ufffd")


@given(TEXT, st.lists(st.text(st.sampled_from("ab康👩 "), min_size=1, max_size=3), max_size=3))
def test_characters_are_whole_and_stop_texts_never_shown(text: str, stops: list[str]) -> None:
    growing = GrowingText(bytes_of, stops)
    pieces = [growing.add(b) for b in text.encode()]
    assert "\ufffd" in text or not any("\ufffd" in p for p in pieces)
    pieces.append(growing.close())
    found = [at for s in stops if (at := text.find(s)) >= 0]
    shown = "".join(pieces)
    assert shown == growing.text and not any(s in shown for s in stops)
    if not found:
        assert shown == text.rstrip("\ufffd")
    else:
        assert text.startswith(shown) and any(text[len(shown) :].startswith(s) for s in stops)


@given(st.binary(max_size=40))
def test_any_bytes_come_out_at_last(data: bytes) -> None:
    growing = GrowingText(bytes_of)
    pieces = [growing.add(b) for b in data]
    # Never more than the bytes of one character are held back.
    assert all(any(pieces[n : n + 4]) for n in range(len(data) - 3))
    growing.close()
    assert growing.add(65) == "" and growing.ended
