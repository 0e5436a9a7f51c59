"""Pages one can open without a network: a template, its data and every script in one HTML file.

Templates lie in `pages/`, written for Jinja; the scripts they need in `pages/vendor/`, unchanged and with
their licences.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from iepile.errors import MissingDependency
from iepile.jsonl import atomic_writer

PAGES = Path(__file__).parent / "pages"


def render_page(template: str, data: Any, **values: Any) -> str:
    """Fill in a template.

    Args:
        template: a file name in `pages/`.
        data: plain data that the page's script reads; lands in `{{ data }}` as JSON.
        values: further values for the template.

    Raises:
        MissingDependency: Jinja is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise MissingDependency("Jinja2", "corpus", "writing a page") from None
    env = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined,
                      trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    env.globals["script"] = lambda name: _safe((PAGES / "vendor" / name).read_text("utf-8"))
    page: str = env.get_template(template).render(data=_safe(_json(data)), **values)
    return page


def write_page(path: str | Path, template: str, data: Any, **values: Any) -> None:
    """`render_page` to a file, which appears only when complete."""
    page = render_page(template, data, **values).encode()
    with atomic_writer(path) as f:
        f.write(page)


def _json(data: Any) -> str:
    # Inside a script element the text `</script>` would end it, and `<!--` open a comment.
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _safe(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)
