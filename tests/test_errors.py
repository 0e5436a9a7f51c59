"""Messages say where, what, what was expected and what to do; they survive a trip between processes."""

from __future__ import annotations

import pickle

import pytest

from iepile.errors import IepileError, InputError, MissingDependency


def test_a_message_names_all_it_knows() -> None:
    e = InputError("bad", file="a.json", line=3, field="text", expected="a string", fix="mend it")
    assert str(e).splitlines() == [
        "a.json:3: bad",
        "  field:    text",
        "  expected: a string",
        "  do:       mend it",
    ]
    assert str(InputError("bad")) == "bad"


def test_at_fills_only_what_is_unknown() -> None:
    assert str(InputError("bad").at("f", 2)) == "f:2: bad"
    known = InputError("bad", file="g", line=1, fix="x").at("f", 2)
    assert (known.file, known.line, known.fix) == ("g", 1, "x")


@pytest.mark.parametrize(
    "error",
    [
        InputError("bad", file="a", line=3, field="b", expected="c", fix="d"),
        InputError("bad"),
        MissingDependency("torch", "train", "training"),
        IepileError("failed"),
    ],
)
def test_pickled_errors_keep_everything(error: IepileError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.__dict__ == error.__dict__
    assert back.exit_code == error.exit_code


def test_exit_codes() -> None:
    assert (IepileError.exit_code, InputError.exit_code, MissingDependency.exit_code) == (1, 2, 2)
    assert "pip install 'iepile[train]'" in str(MissingDependency("torch", "train", "training"))
