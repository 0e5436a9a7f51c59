"""Pages: one file, nothing fetched, and data that cannot break out of its script."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from iepile import page


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor/lib.js").write_text("let a = 1 < 2;")
    (tmp_path / "t.html").write_text(
        "<h1>{{ title }}</h1><script>{{ script('lib.js') }}</script><script>const data = {{ data }};</script>"
    )
    monkeypatch.setattr(page, "PAGES", tmp_path)


def test_data_and_scripts_are_inside(template: None, tmp_path: Path) -> None:
    data = {"a": "</script><script>alert(1)</script>", "b": "中\u2028文 <!-- &"}
    page.write_page(tmp_path / "out.html", "t.html", data, title="<b>")
    text = (tmp_path / "out.html").read_text("utf-8")
    assert "<h1>&lt;b&gt;</h1>" in text and "let a = 1 < 2;" in text
    inside = re.search(r"const data = (.*);</script>", text)
    assert inside and json.loads(inside[1]) == data and "<" not in inside[1]


def test_a_value_the_template_lacks_is_an_error(template: None) -> None:
    with pytest.raises(Exception, match="title"):
        page.render_page("t.html", {})


def test_shipped_pages_fetch_nothing() -> None:
    for file in page.PAGES.glob("*.html"):
        assert not re.search(r"""(src|href)\s*=\s*["']?https?:|@import|url\(http""", file.read_text("utf-8")), file
