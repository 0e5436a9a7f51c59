"""Why a request is refused, where it is not for what it says: each with its status in HTTP."""

from __future__ import annotations

from iepile.errors import InputError


class Refusal(InputError):
    """Refused; `status` tells how."""

    status = 400


class NotFound(Refusal):
    """There is no such thing."""

    status = 404


class TooSlow(Refusal):
    """The body did not come in time."""

    status = 408


class Conflict(Refusal):
    """Not in the state that it is in."""

    status = 409


class TooLarge(Refusal):
    """More than is let in."""

    status = 413


class WrongType(Refusal):
    """Not in a form that is read here."""

    status = 415


class Busy(Refusal):
    """Too much is asked at once."""

    status = 503


class NotHere(Refusal):
    """The service cannot do it: something is not installed."""

    status = 501


class TooLong(Refusal):
    """It took too long, and was given up."""

    status = 504


class NoRoom(Refusal):
    """The disk is full."""

    status = 507
