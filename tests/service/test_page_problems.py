"""What people send and what goes wrong: hostile texts, tokens, limits, a service that is gone. Nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import Browser, Page
from page_driver import (
    extracted,
    facts,
    go,
    module,
    opened,
    served,
    shown,
    sideways,
    stays_home,
    take_schema,
    texts,
    until,
    write,
)
from served_models import SCHEMA

HOSTILE = {
    "markup": "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'> Ada works for <b>Bolt</b>.",
    "right to left": "عمل آدا في شركة Acme Inc. منذ عام. \u202eAda works for Bolt now.\u202c שלום Cora.",
    "one long word": "Ada works for " + "x" * 10_000 + " now.",
    "emoji": "👩\u200d👩\u200d👧 Ada 😀 works 🇳🇴 for 𝔸cme Inc. 𠮷 now. é Bolt fired 👍🏽 Cora.",
    "blanks and lines": "  Ada\r\n\r\n\tworks\u2028for\u00a0Bolt \u200b now.\n\n\n",
    "controls": "Ada\u0000 works\u0007 for\u001b Bolt {0|a|b} now. ${x} {{y}}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts(browser: Browser, url: str, text: str) -> None:
    page = opened(browser, url, width=390)
    extracted(page, text)
    given = page.run("document.getElementById('input').value")
    assert page.run("document.getElementById('result').hidden") is False, shown(page)
    assert module(page, "state.js", "m.current().row")["text"] == given
    points = list(given)
    for fact in facts(page):
        for part in fact["parts"]:
            if part["start"] is not None:
                assert "".join(points[part["start"]:part["end"]]) == part["text"]
    # Each mark in the text holds exactly the words of its place.
    wrong = page.run("""(() => { const out = []; for (const m of document.querySelectorAll("#text [data-from]")) {
        const from = +m.dataset.from, words = m.textContent === "\\u200b" ? "" : m.textContent;
        const all = Array.from(document.getElementById("input").value);
        const text = all.slice(from, from + Array.from(words).length).join("");
        if (text !== words) out.push([from, words, text]); } return out; })()""")
    assert wrong == []
    assert page.run("window.hacked") is None and texts(page, "#text script, #text img, #text b") == []
    for tab in ("table", "json", "text"):
        page.run(f"document.getElementById('tab-{tab}').click()")
        assert sideways(page) == [], tab
    page.run("document.getElementById('save').click()")
    until(page, "document.getElementById('saved-note').textContent !== ''")
    page.run("location.hash = 'saved'")
    until(page, "document.querySelectorAll('#saved-list li').length > 0")
    assert sideways(page) == [] and page.run("window.hacked") is None
    stays_home(page, url)


def test_a_hostile_schema(browser: Browser, url: str) -> None:
    page = opened(browser, url, schema=None)
    names = ['<img src=x onerror="window.hacked = 1">', "a" * 300, "a.b [c] #d \"e\" 'f'", "__proto__", "constructor"]
    entities = {**dict.fromkeys(names, "<script>window.hacked = 1</script>"), "person": ""}
    take_schema(page, {"entities": entities, "events": {"收购": {"roles": names}}})
    page.run("location.hash = 'schema'")
    assert page.run("document.querySelectorAll('#schema-editor .line.entities').length") >= 5
    extracted(page, "Ada works for Bolt now. 甲公司收购乙集团。")
    for tab in ("table", "graph", "text"):
        page.run(f"document.getElementById('tab-{tab}').click()")
        assert sideways(page) == [], tab
    page.run("document.querySelector('#labels .chip')?.click()")
    assert page.run("window.hacked") is None
    stays_home(page, url)


def test_a_token_is_asked_for_and_kept_in_the_tab(browser: Browser, compact: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a-secret-token-of-some-length\n")
    (tmp_path / "tokens").chmod(0o600)
    with served(compact, tmp_path / "service", "--token-file", str(tmp_path / "tokens")) as url:
        page = browser.open(url)
        until(page, "document.querySelector('#page-problem .problem.token input')")
        assert "asks for a token" in shown(page)
        write(page, "#page-problem input", "a-secret-token-of-some-length")
        page.press("Enter")
        until(page, "!document.querySelector('#page-problem .problem')")
        until(page, "document.querySelectorAll('#served li').length > 5")
        take_schema(page, SCHEMA)
        assert extracted(page, "Ada works for Bolt now.")
        assert page.run("Object.values(localStorage).join().includes('a-secret')") is False
        assert page.run("sessionStorage.getItem('iepile.token')") == "a-secret-token-of-some-length"
        go(page, url + "?again")
        assert not page.run("!!document.querySelector('.problem')"), "a reload of the tab keeps it"
        assert all(r.startswith(url) for r in page.requests) and not any("a-secret" in r for r in page.requests)


def network(page: Page, offline: bool = False, latency: int = 0) -> None:
    """How the network is; `latency` in milliseconds."""
    page.call("Network.emulateNetworkConditions", offline=offline, latency=latency, downloadThroughput=-1,
              uploadThroughput=-1)


def refused(page: Page) -> str:
    until(page, "document.querySelector('#compose-problem .problem')")
    return str(page.run("document.querySelector('#compose-problem').innerText"))


def test_limits_are_told_in_plain_words(browser: Browser, compact: Path, tmp_path: Path) -> None:
    with served(compact, tmp_path, "--max-characters", "200", "--max-body", "1") as url:
        page = opened(browser, url)
        write(page, "#input", "Ada works for Bolt now. " * 20)
        until(page, "!document.getElementById('too-long').hidden")
        page.click("#extract")
        said = refused(page)
        assert "too large" in said and "file" in said
        assert page.run("document.getElementById('input').value.length") > 400, "the text is still there"
        write(page, "#input", "Ada works for Bolt now.")
        page.click("#compose-problem button")
        until(page, "!document.getElementById('result').hidden")


def test_too_many_requests_wait_as_long_as_the_service_says(browser: Browser, compact: Path, tmp_path: Path) -> None:
    with served(compact, tmp_path, "--rate", "12") as url:
        page = opened(browser, url)
        for _ in range(12):
            write(page, "#input", "Ada works for Bolt now.")
            page.click("#extract")
            until(page, "document.getElementById('working').hidden")
            if page.run("!!document.querySelector('#compose-problem .busy')"):
                break
        assert "too much to do" in refused(page)
        assert page.run("document.querySelector('#compose-problem button').disabled")
        assert "Try again in" in refused(page)


def test_out_of_time(browser: Browser, compact: Path, tmp_path: Path) -> None:
    with served(compact, tmp_path, "--timeout", "0.001") as url:
        page = opened(browser, url, schema=None)
        module(page, "schema_model.js", "m.replace({entities: {person: ''}})")
        write(page, "#input", "Ada works for Bolt now. " * 500)
        page.click("#extract")
        assert "took too long" in refused(page)


def test_a_service_that_is_gone_and_comes_back(browser: Browser, compact: Path, tmp_path: Path) -> None:
    with served(compact, tmp_path) as url:
        page = opened(browser, url)
        write(page, "#input", "Ada works for Bolt now.")
        network(page, latency=60_000)
        page.click("#extract")
        until(page, "!document.getElementById('stop').hidden")
        page.click("#stop")
        until(page, "document.getElementById('working').hidden")
        assert not page.run("!!document.querySelector('#compose-problem .problem')"), "stopping is no fault"
        network(page, offline=True)
        page.click("#extract")
        said = refused(page)
        assert "cannot be reached" in said and "kept" in said
        network(page)
        page.click("#compose-problem button")
        until(page, "!document.getElementById('result').hidden")
        assert facts(page)


@pytest.mark.parametrize(("status", "words"), [
    (503, "shutting down"), (500, "went wrong in the service"), (507, "no room left"), (502, "went wrong")])
def test_answers_that_a_test_cannot_bring_about(browser: Browser, url: str, status: int, words: str) -> None:
    page = opened(browser, url)
    page.run(f"""(() => {{ const real = window.fetch, said = new Response("<html>", {{status: {status}}});
        window.fetch = (address, ...more) => String(address).endsWith("v1/extract")
            ? (window.fetch = real, Promise.resolve(said)) : real(address, ...more); }})()""")
    write(page, "#input", "Ada works for Bolt now.")
    page.click("#extract")
    assert words in refused(page)
    page.click("#compose-problem button")
    until(page, "!document.getElementById('result').hidden")
    assert facts(page) and page.errors == []
