"""The graph's page in a browser: search, filters, marked sentences; hostile names stay text; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browser import Browser, Page

from iepile.cli.main import main
from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.jsonl import write_edges
from iepile.graph.layout import layout
from iepile.graph.view import ViewConfig, ViewSummary, view

HOSTILE = [
    "</script><script>window.hacked = 1</script>", "<img src=x onerror='window.hacked = 2'>",
    "'); DROP TABLE nodes; --",
    '"}) DETACH DELETE n //', "مرحبا \u202eabc", "two\nlines\u2028", "x" * 3000, "__proto__", "{{ data }} ${1} {0}",
]
TEXT = "😀 Ada wed Bob in Rome."


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


def made(path: Path, edges: list[Edge], **settings: object) -> ViewSummary:
    write_edges(edges, path / "graph.jsonl")
    config = ViewConfig(input_file=str(path / "graph.jsonl"), output_file=str(path / "graph.html"))
    for name, value in settings.items():
        setattr(config, name, value)
    return view(config)


def edges() -> list[Edge]:
    at = {"document": "d<1>", "source": "made", "model": "m", "snippet": TEXT, "snippet_start": 10}
    return [
        Edge(head="Ada", relation="wed", tail="Bob", kind="relation", head_type="person", tail_type="person",
             head_start=12, head_end=15, tail_start=20, tail_end=23, confidence=0.9, **at),
        Edge(head="Ada", relation="lives in", tail="Paris", kind="relation", head_type="person", tail_type="place",
             head_start=12, head_end=15, ungrounded=True, confidence=0.2, **at),
        Edge(head="wed", relation="type", tail="wedding", kind="type", head_type="wedding", event="d:1:0",
             head_start=16, head_end=19, **at),
        Edge(head="wed", relation="place", tail="Rome", kind="role", head_type="wedding", tail_type="place",
             event="d:1:0", head_start=16, head_end=19, tail_start=27, tail_end=31, **at),
        *(Edge(head=name, relation=name, tail="理想汽车", kind="relation", head_type=name, document=name, snippet=name,
               snippet_start=0, head_start=0, head_end=len(name)) for name in HOSTILE),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("view")
    made(path, edges())
    return path


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    opened = browser.open(folder / "graph.html")
    yield opened
    assert opened.errors == [] and opened.requests == [opened.url]
    assert opened.run("window.hacked") is None


def listed(page: Page) -> list[str]:
    found: list[str] = page.run("seen.list.map(n => n.name)")
    return found


def seek(page: Page, text: str) -> None:
    page.run("byId('query').value = ''")
    page.click("#query")
    page.type(text)


def test_a_search_finds_names_in_both_languages(page: Page) -> None:
    seek(page, "理想")
    assert listed(page) == ["理想汽车"]
    seek(page, "ＡＤＡ")
    assert listed(page) == ["Ada"]
    page.press("Enter")
    assert page.run("document.querySelector('#detail h2').textContent") == "Ada"
    seek(page, "nobody")
    assert listed(page) == [] and "Nothing passes" in page.run("byId('found').textContent")


def test_a_line_shows_its_sentence_with_both_ends_marked(page: Page) -> None:
    seek(page, "Ada")
    page.press("Enter")
    page.click("#detail [data-fact='0']")
    marks = page.run("[...document.querySelectorAll('.quote mark')].map(m => [m.className, m.textContent])")
    assert marks == [["head", "Ada"], ["tail", "Bob"]]
    assert page.run("document.querySelector('.quote').textContent") == TEXT
    told = page.run("document.querySelector('.place .about').textContent")
    assert all(x in told for x in ("d<1>", "source made", "model m", "confidence 0.90", "12–15, 20–23"))
    page.click("#detail [data-do=back]")
    assert page.run("document.querySelector('#detail h2').textContent") == "Ada"


def test_a_click_in_the_picture(page: Page) -> None:
    for what, at in (("n", "n0"), ("l", "l0")):
        spot = page.run(f"""(() => {{ const e = picture.cy.getElementById('{at}'),
            box = byId('picture').getBoundingClientRect(),
            p = e.isNode() ? e.renderedPosition() : e.renderedMidpoint(); return [box.x + p.x, box.y + p.y]; }})()""")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            page.call("Input.dispatchMouseEvent", type=kind, x=spot[0], y=spot[1], clickCount=1,
                      button="none" if kind == "mouseMoved" else "left")
        page.run("new Promise(done => setTimeout(done, 50))")
        assert page.run(f"seen.chosen === {'nodes' if what == 'n' else 'lines'}[0]")
    page.press("Escape")
    assert page.run("seen.chosen === null && byId('detail').hidden")


def test_events_have_roles_and_what_is_not_in_the_text_is_dashed(page: Page) -> None:
    page.run("choose(nodes.find(n => n.event), true)")
    told = page.run("byId('detail').innerText")
    assert "event: wedding" in told and "Roles (1)" in told and "place → Rome" in told
    styles = page.run("""lines.map(l => [l.facts[0].ungrounded,
        picture.cy.getElementById('l' + l.id).style('line-style')])""")
    assert all((style == "dashed") == off for off, style in styles) and any(off for off, _ in styles)


def test_filters(page: Page) -> None:
    def shown() -> list[str]:
        drawn: list[str] = page.run("""new Promise(done => requestAnimationFrame(() => setTimeout(() => done(
            nodes.filter(n => picture.cy.getElementById('n' + n.id).visible()).map(n => n.name)))))""")
        assert sorted(listed(page)) == sorted(drawn)
        return sorted(drawn)

    page.run("byId('filters').open = true")
    page.click("[data-all='relations none']")
    assert shown() == []
    row = """[...document.querySelectorAll('[data-boxes=relations] label')].findIndex(
        l => l.textContent.startsWith('wed'))"""
    page.click("[data-boxes=relations] input", page.run(row))
    assert shown() == ["Ada", "Bob"]
    page.click("[data-filter=reset]")
    assert len(shown()) == 6 + len(HOSTILE)
    page.run("""(() => { const e = document.querySelector('[data-filter=degree]');
        e.value = 2; e.oninput({ target: e }); })()""")
    assert shown() == ["Ada", "理想汽车"]
    page.click("[data-filter=reset]")
    page.run("filter.sure = 0.5; sift()")
    assert "Paris" not in shown() and "Bob" in shown()
    page.click("[data-filter=reset]")
    page.run("""(() => { const e = document.querySelector('[data-filter=text]');
        e.value = 'ungrounded'; e.onchange({ target: e }); })()""")
    assert shown() == ["Ada", "Paris"]


def test_hostile_names_stay_text(page: Page) -> None:
    for name in HOSTILE:
        page.run(f"choose(nodes.find(n => n.name === {json.dumps(name)}), true)")
        assert page.run("document.querySelector('#detail h2').textContent") == name
        assert page.run("document.querySelector('.quote, #detail').textContent") is not None
        page.run("choose(seen.chosen.facts[0].line, true)")
        assert page.run("document.querySelector('.quote mark').textContent") == name
        assert page.run("document.documentElement.scrollWidth") <= 1280
    assert page.run("document.querySelectorAll('script').length") == 3
    assert page.run("document.querySelectorAll('img').length") == 0


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("dark", [False, True])
def test_a_telephone_in_both_languages(browser: Browser, tmp_path: Path, language: str, dark: bool) -> None:
    made(tmp_path, edges(), language=language)
    page = browser.open(tmp_path / "graph.html", width=390, height=800, dark=dark)
    for act in ("choose(nodes[0], true)", "choose(lines[0], true)", "byId('filters').open = true",
                "byId('switch').click()"):
        page.run(act)
        assert page.run("document.documentElement.scrollWidth") == 390
        assert "undefined" not in page.run("document.body.innerText")
    assert page.run("document.documentElement.lang") != language and page.errors == []
    words = page.run("data.words")
    assert words["en"].keys() == words["zh"].keys()
    light = page.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, light[4:-1].split(","))) < 200) == dark


def test_the_most_connected_are_kept(browser: Browser, tmp_path: Path) -> None:
    star = [Edge(head="hub", relation="r", tail=f"leaf {n}", kind="relation", document="d") for n in range(50)]
    other = Edge(head="a", relation="r", tail="b", kind="relation", document="e")
    found = made(tmp_path, [*reversed(star), other], nodes=10)
    assert (found.nodes, found.nodes_in_all, found.facts, found.facts_in_all) == (10, 53, 9, 51)
    page = browser.open(tmp_path / "graph.html")
    assert "the 10 nodes with most neighbours of 53" in page.run("byId('counts').textContent")
    assert page.run("nodes[0].name") == "hub" and page.errors == []


def test_a_merged_node_is_found_by_all_its_names(browser: Browser, tmp_path: Path) -> None:
    some = [Edge(head="IBM", relation="in", tail="Armonk", kind="relation", document="d"),
            Edge(head="IBM", head_mention="Big <b>Blue", relation="in", tail="Armonk", kind="relation", document="e")]
    assert made(tmp_path, some).nodes == 2
    page = browser.open(tmp_path / "graph.html")
    seek(page, "blue")
    assert listed(page) == ["IBM"]
    page.press("Enter")
    assert "Also named: Big <b>Blue" in page.run("byId('detail').textContent") and page.errors == []


def test_same_input_same_bytes_and_an_empty_graph(browser: Browser, tmp_path: Path) -> None:
    made(tmp_path, edges())
    before = (tmp_path / "graph.html").read_bytes()
    made(tmp_path, edges())
    assert (tmp_path / "graph.html").read_bytes() == before
    assert made(tmp_path, []).nodes == 0
    page = browser.open(tmp_path / "graph.html")
    assert "no edges" in page.run("document.body.innerText") and page.errors == []


def test_documents_through_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--tgt-path", str(tmp_path / "docs.json"), "--n", "5", "--language", "en"]) == 0
    assert main(["kg", "view", str(tmp_path / "docs.json"), str(tmp_path / "g.html")]) == 0
    assert (tmp_path / "g.html").stat().st_size > 400_000
    assert main(["kg", "view", str(tmp_path / "docs.json"), str(tmp_path / "g.html"), "--nodes", "0"]) == 2
    assert "nodes" in capsys.readouterr().err


@pytest.mark.parametrize("name, value", [("nodes", 0), ("language", "fr"), ("input_file", ""), ("output_file", "")])
def test_bad_settings(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(InputError, match=name):
        made(tmp_path, edges(), **{name: value})


def test_places_are_apart_and_follow_the_seed() -> None:
    lines = [(n, n + 1) for n in range(299)] + [(400, 401)]
    places = layout(500, lines, seed=1)
    assert (places == layout(500, lines, seed=1)).all() and (places != layout(500, lines, seed=2)).any()
    distance = ((places[:, None] - places[None]) ** 2).sum(axis=2) ** 0.5
    distance[range(500), range(500)] = 1e9
    assert distance.min() > 15
    assert layout(0, []).shape == (0, 2) and (layout(1, [(0, 0)]) == 0).all()
