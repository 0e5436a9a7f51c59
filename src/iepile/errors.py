"""Every message a user can meet, in one shape: where, what, what was expected, what to do.

`InputError` (exit 2) is for what the user gave us; `IepileError` (exit 1) for work that failed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class IepileError(Exception):
    """A job failed; the command line prints the message and exits with `exit_code`."""

    exit_code = 1


class InputError(IepileError):
    """Bad input or bad usage: nothing was written.

    Args:
        problem: what is wrong, in one clause.
        file: the file it was found in.
        line: 1-based line in that file.
        field: the field or option concerned.
        expected: the form that would have been right.
        fix: what the user can do now.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.problem, self.file, self.line = problem, file, line
        self.field, self.expected, self.fix = field, expected, fix
        super().__init__(self._render())

    def _render(self) -> str:
        where = "" if self.file is None else str(self.file)
        if self.line is not None:
            where += f":{self.line}"
        parts = [f"{where}: {self.problem}" if where else self.problem]
        if self.field:
            parts.append(f"  field:    {self.field}")
        if self.expected:
            parts.append(f"  expected: {self.expected}")
        if self.fix:
            parts.append(f"  do:       {self.fix}")
        return "\n".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        # An error of a worker process comes home whole, fields and all.
        return _input_error, ({k: getattr(self, k) for k in _FIELDS},)

    def at(self, file: str | Path | None = None, line: int | None = None) -> InputError:
        """The same error with its place filled in, where the raiser did not know it."""
        return InputError(
            self.problem,
            file=self.file if self.file is not None else file,
            line=self.line if self.line is not None else line,
            field=self.field,
            expected=self.expected,
            fix=self.fix,
        )


_FIELDS = ("problem", "file", "line", "field", "expected", "fix")


def _input_error(fields: dict[str, Any]) -> InputError:
    return InputError(fields.pop("problem"), **fields)


class MissingDependency(IepileError):
    """An optional library is not installed; says which extra brings it."""

    exit_code = 2

    def __init__(self, library: str, extra: str, needed_for: str) -> None:
        self.library, self.extra, self.needed_for = library, extra, needed_for
        super().__init__(
            f"{needed_for} needs {library}, which is not installed\n"
            f"  do:       pip install 'iepile[{extra}]'"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return MissingDependency, (self.library, self.extra, self.needed_for)
