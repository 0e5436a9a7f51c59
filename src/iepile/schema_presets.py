"""Schemas by name: the 12 themes of InstructIE, Chinese and English, wherever a schema file may be given.

    --schema_path instructie:人物            one theme
    --schema_path instructie:Person,Event    several of one language
    --schema_path instructie:zh              all 12

The lists are data files of `presets/`: theme -> relation -> types of its tails.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from iepile.errors import InputError

PREFIX = "instructie:"


@cache
def themes() -> dict[str, dict[str, Any]]:
    """Language -> theme -> its relations, as files of themes have them."""
    import yaml

    folder = files("iepile.presets")
    return {language: yaml.safe_load(folder.joinpath(f"instructie_{language}.yaml").read_text("utf-8"))
            for language in ("zh", "en")}


def preset(path: str | Path) -> dict[str, Any] | None:
    """The themes that a path names; None where it is a file, or no such name.

    Raises:
        InputError: an unknown theme, or themes of two languages.
    """
    # Workers elsewhere get absolute paths.
    name = Path(path).name
    if not name.startswith(PREFIX) or Path(path).exists():
        return None
    wanted = [part.strip() for part in name.removeprefix(PREFIX).split(",")]
    known = themes()
    if len(wanted) == 1 and wanted[0] in known:
        return known[wanted[0]]
    for of in known.values():
        if all(theme in of for theme in wanted):
            return {theme: of[theme] for theme in wanted}
    listed = "; ".join(f"{language}: {', '.join(of)}" for language, of in known.items())
    raise InputError(f"InstructIE has no themes {', '.join(wanted)!r} in one language", field="schema_path",
                     expected=f"{PREFIX} and zh, en, or themes of one language with commas between ({listed})")
