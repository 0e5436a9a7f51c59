"""What a launcher sets in the environment, whole, half and wrong."""

from __future__ import annotations

import pytest

from iepile.errors import InputError
from iepile.training.parallel.launch import Launch, is_main, read_launch

WHOLE = {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "1287"}


def test_alone_where_nothing_or_one_process_is_set() -> None:
    assert read_launch({}) == read_launch({"WORLD_SIZE": "1"}) == read_launch({**WHOLE, "WORLD_SIZE": "1"}) == Launch()


def test_one_of_several() -> None:
    assert read_launch(WHOLE) == Launch(3, 4, 1)


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"])
def test_half_set_variables_are_named(name: str) -> None:
    with pytest.raises(InputError, match=f"WORLD_SIZE is 4, but {name} is not set.*\n.*torchrun"):
        read_launch({k: v for k, v in WHOLE.items() if k != name})


@pytest.mark.parametrize("wrong", [{"RANK": "4"}, {"LOCAL_RANK": "4"}, {"WORLD_SIZE": "two"}, {"WORLD_SIZE": "0"},
                                   {"RANK": "-1"}, {"MASTER_PORT": "http"}])
def test_variables_that_contradict_each_other(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError) as e:
        read_launch({**WHOLE, **wrong})
    assert next(iter(wrong)) in str(e.value)


def test_one_process_speaks_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WHOLE:
        monkeypatch.delenv(name, raising=False)
    assert is_main()
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert not is_main()
    monkeypatch.setenv("RANK", "0")
    assert is_main()
