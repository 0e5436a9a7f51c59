"""Errors on the wire: one shape, the right status, nothing said back at length."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iepile.errors import IepileError, InputError
from iepile.service.calls import Closed, EngineFault, GivenUp
from iepile.service.errors import LONGEST, error_response, failure
from iepile.service.refusals import Busy, Conflict, NoRoom, NotFound, TooLarge, TooSlow, WrongType


def told(path: str, error: Exception) -> tuple[int, dict[str, Any]]:
    response = failure(path, error)
    return response.status_code, json.loads(bytes(response.body))["error"]


@pytest.mark.parametrize(("error", "status"), [
    (InputError("p"), 422), (NotFound("p"), 404), (TooSlow("p"), 408), (Conflict("p"), 409), (TooLarge("p"), 413),
    (WrongType("p"), 415), (Busy("p"), 503), (NoRoom("p"), 507), (Closed("p"), 503), (GivenUp("p"), 504),
    (EngineFault("p"), 500), (IepileError("p"), 500), (ValueError("p"), 500), (RecursionError(), 422),
    (UnicodeEncodeError("utf-8", "a", 0, 1, "p"), 422),
])
def test_every_failure_has_its_status_in_both_shapes(error: Exception, status: int) -> None:
    assert told("/v1/extract", error)[0] == told("/v1/chat/completions", error)[0] == status
    assert set(told("/v1/extract", error)[1]) == {"problem", "field", "expected", "fix"}
    assert set(told("/v1/models", error)[1]) == {"message", "type", "param", "code"}


def test_fields_of_an_error_are_kept_and_lines_told() -> None:
    error = InputError("a", field="b", expected="c", fix="d")
    assert told("/v1/extract", error)[1] == {"problem": "a", "field": "b", "expected": "c", "fix": "d"}
    assert told("/v1/extract", InputError("a", line=3))[1]["field"] == "line 3"
    assert told("/v1/chat/completions", error)[1] == {
        "message": "a; expected: c; d", "type": "invalid_request_error", "param": "b", "code": None}


def test_nothing_is_said_back_at_length_and_half_characters_are_sendable() -> None:
    response = error_response("/v1/extract", 422, "x" * 10_000, field="\ud800" * 10_000)
    assert len(response.body) < 3 * LONGEST
    json.loads(bytes(response.body))


def test_who_is_turned_away_is_told_when_to_come_again() -> None:
    assert failure("/v1/extract", Busy("p")).headers["retry-after"] == "1"
    assert "retry-after" not in failure("/v1/extract", InputError("p")).headers
    assert error_response("/", 429, "p", headers={"Retry-After": "7"}).headers["retry-after"] == "7"


def test_files_of_this_machine_are_not_told() -> None:
    assert "/srv/secret" not in str(told("/v1/extract", InputError("p", file="/srv/secret/model")))
