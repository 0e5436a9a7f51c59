"""Parameters of an address that its route does not know: a `?nme=Ada*` that were let pass would find everything."""

from __future__ import annotations

from difflib import get_close_matches

from fastapi import Request

from iepile.errors import InputError


async def check_parameters(request: Request) -> None:
    """A dependency of routes.

    Raises:
        InputError: a parameter that the route does not know.
    """
    known = [parameter.alias for parameter in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known:
            near = get_close_matches(name[:100], known, 1)
            raise InputError(f"no parameter {name[:40]!r}", field=name[:40], expected=", ".join(known) or "none",
                             fix=f"did you mean {near[0]}?" if near else "leave it out")
