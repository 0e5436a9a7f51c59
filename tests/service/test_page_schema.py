"""The schema editor: by keyboard alone, files in and out, faults at their lines, the gallery."""

from __future__ import annotations

import json

from browser import ALT, SHIFT, Browser, Page
from iepile.schema import Schema
from iepile.schema_files import read_schema_text
from page_driver import extracted, module, opened, shown, stays_home, texts, until, visit, write
from served_models import SCHEMA


def written(page: Page) -> dict:
    found: dict = module(page, "schema_model.js", "m.written()")
    return found


def focused(page: Page) -> str:
    return str(page.run("(e => e.id || e.className || e.tagName)(document.activeElement)"))


def tab_to(page: Page, selector: str, held: int = 0) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does."""
    for _ in range(120):
        if page.run(f"document.activeElement.matches({json.dumps(selector)})"):
            return
        page.press("Tab", held)
    raise AssertionError(f"the keyboard never reaches {selector}; it is at {focused(page)}")


def test_a_schema_by_keyboard_alone(browser: Browser, url: str) -> None:
    page = opened(browser, url, schema=None)
    page.press("2")
    until(page, "location.hash === '#schema'")
    tab_to(page, "[data-add=entities]")
    page.press("Enter")
    for name in ("firm", "person", "place"):
        page.type(name)
        page.press("Enter")
    page.press("Tab", SHIFT)
    tab_to(page, ".in-name", SHIFT)
    assert list(written(page)["entities"]) == ["firm", "person", "place"]
    # Back to "person": up it goes, and "place" is taken away.
    page.run("document.querySelectorAll('#schema-editor .in-name')[1].focus()")
    page.press("ArrowUp", ALT)
    assert list(written(page)["entities"]) == ["person", "firm", "place"]
    tab_to(page, ".in-description")
    page.type("somebody, by name")
    page.run("document.querySelectorAll('#schema-editor .line.entities')[2].querySelector('.in-name').focus()")
    tab_to(page, "[data-does=remove]")
    page.press("Enter")
    tab_to(page, "[data-add=relations]")
    page.press("Enter")
    page.type("works for")
    page.press("Tab")
    page.type("person")
    page.press("Tab")
    page.type("firm")
    tab_to(page, "[data-add=events]")
    page.press("Enter")
    page.type("收购")
    tab_to(page, "[data-add-role]")
    page.press("Enter")
    page.type("收购方")
    page.press("Enter")
    page.type("被收购方")
    until(page, "Object.keys(JSON.parse(localStorage.getItem('iepile.schema')).events[0].roles).length === 2")
    assert written(page) == {
        "entities": {"person": {"description": "somebody, by name"}, "firm": {}},
        "relations": {"works for": {"domain": ["person"], "range": ["firm"]}},
        "events": {"收购": {"roles": {"收购方": "", "被收购方": ""}}}}
    page.run("document.activeElement.blur()")
    page.press("1")
    until(page, "location.hash === '#extract'")
    assert extracted(page, "Ada works for Acme Inc. now.")
    stays_home(page, url)


def test_renaming_a_type_renames_it_in_relations_and_undo_brings_back(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    visit(page, "schema")
    page.run("document.querySelector('#schema-editor .line.entities .in-name').focus()")
    page.run("document.activeElement.select()")
    page.type("human")
    page.press("Tab")
    assert written(page)["relations"]["works for"]["domain"] == ["human"]
    page.click("#schema-editor .line.entities [data-does=remove]")
    assert list(written(page)["entities"]) == ["firm"]
    page.click("#schema-undo")
    assert list(written(page)["entities"]) == ["human", "firm"]
    stays_home(page, url)


def test_lines_are_moved_by_the_mouse(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    visit(page, "schema")
    page.run("""(() => { const [a, b] = document.querySelectorAll("#schema-editor .line.entities");
        const about = {dataTransfer: new DataTransfer(), bubbles: true, cancelable: true};
        const fire = (e, kind) => e.dispatchEvent(new DragEvent(kind, about));
        fire(a.querySelector(".grip"), "dragstart"); fire(b, "dragover"); fire(b, "drop"); })()""")
    assert list(written(page)["entities"]) == ["firm", "person"]


def test_faults_stand_at_their_lines(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    visit(page, "schema")
    line = "document.querySelectorAll('#schema-editor .line.entities')[1]"
    page.run(f"{line}.querySelector('.in-name').select()")
    page.type("person")
    until(page, f"{line}.querySelector('.wrong').textContent === 'This name stands twice.'")
    assert page.run(f"{line}.querySelector('input').getAttribute('aria-invalid')") == "true"
    visit(page, "extract")
    write(page, "#input", "Ada works.")
    page.click("#extract")
    assert "has faults" in page.run("document.getElementById('compose-problem').textContent")


def test_files_and_lists_in_and_out(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    visit(page, "schema")
    model = written(page)
    assert Schema.from_dict(model) == Schema.from_dict(SCHEMA)
    yaml = module(page, "schema_model.js", "m.asYaml(m.written())")
    assert read_schema_text(yaml, True) == Schema.from_dict(SCHEMA)
    write(page, "#short-list", "person, city; events: wedding(time, place)")
    page.click("#read-list")
    until(page, "document.querySelectorAll('#schema-editor .in-name')[1].value === 'city'")
    assert list(written(page)["entities"]) == ["person", "city"]
    page.run("""(() => { const file = new File(["entities:\\n  ship: a vessel\\n  port:\\n"], "s.yaml");
        const data = new DataTransfer(); data.items.add(file); const input = document.getElementById("import");
        input.files = data.files; input.dispatchEvent(new Event("change")); })()""")
    until(page, "document.querySelector('#schema-editor .in-name').value === 'ship'")
    assert written(page) == {"entities": {"ship": {"description": "a vessel"}, "port": {}}}
    write(page, "#short-list", "person, person")
    page.click("#read-list")
    until(page, "document.querySelector('#schema-problem .problem')")
    assert "twice" in shown(page)
    assert list(written(page)["entities"]) == ["ship", "port"], "what was there stays"


def test_awkward_names_survive_yaml(browser: Browser, url: str) -> None:
    # A browser puts whole numbers before all other names, so those are the one kind whose order is lost.
    names = ["yes", "null", "a: b", "- x", "#c", '"q"', "1.5", "2020-01-01", "中文", "é", "a\\b", "{x}", "&a", "*a"]
    schema = Schema.from_dict({"entities": {n: f"about {n}" for n in names}})
    page = opened(browser, url, schema=None)
    yaml = module(page, "schema_model.js", f"m.asYaml({json.dumps(schema.to_dict())})")
    assert read_schema_text(yaml, True) == schema


def test_the_gallery(browser: Browser, url: str) -> None:
    page = opened(browser, url, schema=None)
    visit(page, "schema")
    until(page, "document.querySelectorAll('#served li').length > 10")
    assert len(texts(page, "#samples li")) > 3
    write(page, "#gallery-search", "instructie:Person")
    page.click("#served .served")
    until(page, "document.querySelectorAll('#schema-editor .line.relations').length > 5")
    write(page, "#gallery-search", "")
    visit(page, "extract")
    write(page, "#input", "my own text")
    visit(page, "schema")
    page.click("#samples .main")
    assert page.run("location.hash") == "#extract"
    assert "my own text" not in page.run("document.getElementById('input').value")
    page.click("#toast button")  # undo: schema and text are there again
    assert page.run("document.getElementById('input').value") == "my own text"
    assert len(written(page)["relations"]) > 5
    stays_home(page, url)
