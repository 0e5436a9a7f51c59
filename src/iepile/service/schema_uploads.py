"""Schema files that people send in: read like files of ours, within limits.

>>> of_file("entities: [person, place]").entity_names
('person', 'place')
"""

from __future__ import annotations

from iepile.errors import InputError
from iepile.schema import Schema
from iepile.schema_files import read_schema_text
from iepile.service.refusals import TooLarge

MOST = 100_000
"""Characters; the largest schema of ours has a tenth of that, and reading YAML takes a second for as much."""


def of_file(text: str, task: str | None = None) -> Schema:
    """The schema that the content of a YAML or JSON file states.

    Raises:
        TooLarge: more than 100,000 characters.
        InputError: not a schema, or YAML with references (a few lines of which can stand for gigabytes).
    """
    if len(text) > MOST:
        raise TooLarge(f"has more than {MOST:,} characters", field="file", fix="leave labels out that are not needed")
    yaml = text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "[")
    if yaml:
        _without_references(text)
    try:
        return read_schema_text(text.removeprefix("\ufeff"), yaml, task)
    except InputError as e:
        raise InputError(e.problem, line=e.line, field=e.field or "file", expected=e.expected, fix=e.fix) from None


def _without_references(text: str) -> None:
    import yaml

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise InputError("YAML with references", field="file", fix="write out what `*` stands for")
    except (yaml.YAMLError, RecursionError):
        pass  # told with its line by whoever reads it
