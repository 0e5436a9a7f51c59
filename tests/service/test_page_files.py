"""The files of the page: how they are served, what they may hold, and that both languages have every word."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from iepile.schema import Schema
from iepile.service.app import create_app
from iepile.service.config import ServeConfig
from iepile.service.page_files import page_files

FOLDER = Path(__file__).parents[2] / "src" / "iepile" / "service" / "page"
SCRIPTS = sorted((FOLDER / "js").glob("*.js"))
INDEX = (FOLDER / "index.html").read_text("utf-8")


@pytest.fixture(scope="module")
def client(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("page")
    with TestClient(create_app(ServeConfig(model=str(compact), data_dir=str(folder / "data")))) as found:
        yield found


def test_a_strict_policy_on_everything(client: TestClient) -> None:
    digest, found = page_files()
    for path in ("/", f"/page/{digest}/js/main.js", f"/page/{digest}/page.css", "/page/settings.json", "/page/x/none"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy and "http" not in policy
        assert client.get(path).headers["x-content-type-options"] == "nosniff"
    assert len(found) > 30


def test_files_are_kept_for_good_and_the_page_is_asked_for_anew(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["cache-control"] == "no-cache" and page.headers["content-type"] == "text/html; charset=utf-8"
    again = client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304 and not again.content
    addresses = re.findall(r'(?:href|src)="(page/[^"]+)"', page.text)
    assert len(addresses) > 20 and "DIGEST" not in page.text and "MODULES" not in page.text
    for address in addresses:
        answer = client.get("/" + address)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"], address
    assert client.get(f"/{addresses[0]}".replace(page_files()[0], "0" * 16)).status_code == 404


def test_files_go_out_packed_where_the_browser_reads_that(client: TestClient) -> None:
    digest, found = page_files()
    address = f"/page/{digest}/vendor/cytoscape.min.js"
    packed = client.get(address, headers={"accept-encoding": "gzip"})
    plain = client.get(address, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.content == plain.content == found["vendor/cytoscape.min.js"].content
    assert gzip.decompress(found["vendor/cytoscape.min.js"].packed) == plain.content


@pytest.mark.parametrize("name", ["../page_files.py", "..%2fpage_files.py", "js/../../app.py", "/etc/passwd", "js", "",
                                  "css/base.css", "js/main.js%00"])
def test_no_name_reaches_the_disk(client: TestClient, name: str) -> None:
    answer = client.get(f"/page/{page_files()[0]}/{name}")
    assert answer.status_code in (400, 404) and b"import annotations" not in answer.content


def test_the_page_can_be_left_out(compact: Path, tmp_path: Path) -> None:
    with TestClient(create_app(ServeConfig(model=str(compact), data_dir=str(tmp_path), page=False))) as client:
        assert client.get("/").status_code == 404 and client.get("/healthz").status_code == 200


def test_settings_say_nothing_secret(client: TestClient) -> None:
    found = client.get("/page/settings.json").json()
    assert set(found) == {"max_characters", "max_texts", "max_file", "max_upload", "max_files", "endings"}
    assert ".pdf" in found["endings"] and found["max_characters"] == 200_000


def test_nothing_comes_from_elsewhere_and_nothing_is_inline() -> None:
    for path in [*SCRIPTS, *FOLDER.rglob("*.css"), FOLDER / "index.html"]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|//[a-z0-9.-]+\.[a-z]{2,}/", text), path
        unsafe = r"\beval\b|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write"
        assert not re.search(unsafe, text), path
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", INDEX) and INDEX.count("<script") == 1


def test_files_are_short_and_say_what_they_are() -> None:
    for path in SCRIPTS:
        lines = path.read_text("utf-8").splitlines()
        assert len(lines) <= 300 and lines[0].startswith("// "), path.name
    for path in FOLDER.rglob("*.css"):
        assert path.read_text("utf-8").startswith("/* ")


def used_words() -> set[str]:
    found = set(re.findall(r'data-(?:word|label|hint)="(\w+)"', INDEX))
    for path in SCRIPTS:
        text = path.read_text("utf-8")
        found |= set(re.findall(r'\bt\("(\w+)"', text))
        for start in re.findall(r"\bt\(`(\w+)\$\{", text):  # t(`kind_${kind}`): some word must begin so
            found.add(start + "*")
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_word_is_there(language: str) -> None:
    words = json.loads((FOLDER / "words" / f"{language}.json").read_text("utf-8"))
    for name in used_words():
        assert any(w.startswith(name[:-1]) for w in words) if name.endswith("*") else name in words, name
    assert all(isinstance(v, str) and v for v in words.values())


def test_both_languages_say_the_same_things() -> None:
    en, zh = (json.loads((FOLDER / "words" / f"{x}.json").read_text("utf-8")) for x in ("en", "zh"))
    assert list(en) == list(zh)
    for name in en:
        values = [sorted(set(re.findall(r"\{(\d)[|}]", words[name]))) for words in (en, zh)]
        assert values[0] == values[1], name
    latin = {n for n in zh if not re.search(r"[\u4e00-\u9fff]", zh[n])}
    assert latin <= {"other_language", "of_fact", "tab_json", "place_section", "place_of", "document_of"}, latin


def test_no_word_lies_idle() -> None:
    words = json.loads((FOLDER / "words" / "en.json").read_text("utf-8"))
    text = INDEX + "".join(p.read_text("utf-8") for p in SCRIPTS)
    starts = tuple(re.findall(r"`(\w+_)\$\{", text))
    idle = [w for w in words if not re.search(rf"[\"'`]{w}[\"'`]", text) and not w.startswith(starts)]
    assert idle == []


def test_samples_are_schemas_with_a_text() -> None:
    samples = json.loads((FOLDER / "words" / "samples.json").read_text("utf-8"))
    assert {s["language"] for s in samples} == {"en", "zh"} and len(samples) >= 5
    for sample in samples:
        schema = Schema.from_dict(sample["schema"])
        assert schema.described and len(sample["text"]) > 50 and sample["about"]
        types = set(schema.entity_names)
        assert all({*r.domain, *r.range} <= types for r in schema.relations), sample["name"]
