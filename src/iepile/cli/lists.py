"""`iepile formats`, `tasks`, `engines`, `templates`, `models`: what is supported."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli.command import guarded
from iepile.cli.show import table


def formats(argv: Sequence[str]) -> int:
    """Raw formats that can be read."""

    def show() -> None:
        from iepile.corpus.formats.format import formats as known

        table(("format", "endings", "what it is"),
              [(f.name, " ".join(f.extensions), f.description) for f in known().values()])

    return guarded(show)


def tasks(argv: Sequence[str]) -> int:
    """Tasks that can be asked."""

    def show() -> None:
        from iepile.tasks.task import get_task, task_names

        rows = [(t.name, t.annotation, str(t.split_num), (type(t).__doc__ or "").splitlines()[0])
                for t in map(get_task, task_names())]
        table(("task", "annotation", "labels a prompt", "what it finds"), rows)

    return guarded(show)


def engines(argv: Sequence[str]) -> int:
    """Engines that can answer."""

    def show() -> None:
        from iepile.extraction.engines.engine import engine_names

        table(("engine",), [(n,) for n in engine_names()])

    return guarded(show)


def templates(argv: Sequence[str]) -> int:
    """Chat templates."""

    def show() -> None:
        from iepile.models.template import template_names

        table(("template",), [(n,) for n in template_names()])

    return guarded(show)


def models(argv: Sequence[str]) -> int:
    """Families of language models; any other model is read by its own `config.json`."""

    def show() -> None:
        from iepile.models.families import families

        table(("family", "names", "model_type", "template", "own code"),
              [(f.name, " ".join(f.names), " ".join(f.model_types), " ".join(f.templates),
                "yes" if f.remote_code else "") for f in families()])

    return guarded(show)
