"""The generator: exact offsets, the schema's labels, fresh names, the same bytes anywhere."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from iepile.corpus.synthetic import LANGUAGES, SPLITS, generate
from iepile.corpus.synthetic.generator import inventory
from iepile.corpus.synthetic.patterns import pattern, wording
from iepile.errors import InputError
from iepile.jsonl import read_rows
from iepile.records import Document
from iepile.schema import Schema
from iepile.unified import document_from_row, document_to_row

ROOT = Path(__file__).parents[2]
DATA = ROOT / "examples/data"
NAMED = {"person", "organisation", "place", "product", "人物", "机构", "地点", "产品"}


def check_labels(doc: Document, schema: Schema) -> None:
    relations = {r.name: r for r in schema.relations}
    roles = {e.name: e.role_names for e in schema.events}
    assert {e.type for e in doc.entities} <= set(schema.entity_names)
    mentions = {(e.span, e.type) for e in doc.entities}
    for r in doc.relations:
        assert r.head_type in relations[r.type].domain and r.tail_type in relations[r.type].range
        assert (r.head, r.head_type) in mentions and (r.tail, r.tail_type) in mentions
    for e in doc.events:
        assert {a.role for a in e.arguments} <= set(roles[e.type])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", SPLITS)
def test_offsets_are_exact_and_labels_are_the_schema_s(language: str, split: str) -> None:
    schema = Schema.read(DATA / f"schema_{language}.yaml")
    seen: Counter[str] = Counter()
    for doc in generate(1500, language, 5, split):
        assert all(doc.text[s.start : s.end] == s.text and s.text for s in doc.facts.spans())
        places = [e.span.offsets for e in doc.entities]
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(places))
        check_labels(doc, schema)
        assert (doc.language, doc.annotated) == (language, ("entity", "relation", "event"))
        seen.update(r.type for r in doc.relations)
        seen.update((e.type, a.role) for e in doc.events for a in e.arguments)
    expected = {*schema.relation_names, *((e.name, r) for e in schema.events for r in e.role_names)}
    assert set(seen) == expected and min(seen.values()) >= 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_differ_in_what_they_state(language: str) -> None:
    docs = list(generate(800, language, 1))
    assert len({d.text for d in docs}) > 795
    assert {len(d.events) for d in docs} >= {0, 1, 2, 3}
    assert 20 < sum(not d.relations and not d.events for d in docs) < 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_a_split_are_not_in_the_others(language: str) -> None:
    names = {
        split: {
            e.span.text for d in generate(4000, language, 9, split) for e in d.entities if e.type in NAMED
        }
        for split in SPLITS
    }
    for one, other in itertools.combinations(SPLITS, 2):
        assert not names[one] & names[other]
    assert min(len(n) for n in names.values()) > 1500


@pytest.mark.parametrize(
    ("head", "tail"), [("last_head", "last_tail"), ("place_head", "place_tail"), ("stem_head", "stem_tail")]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_parts_join_to_different_names(language: str, head: str, tail: str) -> None:
    parts = inventory(language)["parts"]
    if head not in parts:
        pytest.skip("Chinese surnames are not composed")
    heads, tails = (v.split() if " " in v else list(v) for v in (parts[head], parts[tail]))
    assert len({a + b for a in heads for b in tails}) == len(heads) * len(tails) and len(tails) % 10 == 0


def test_chinese_persons_and_companies_cannot_share_a_name_across_splits() -> None:
    parts = inventory("zh")["parts"]
    assert not set(parts["surname"]) & set(parts["stem_head"])
    assert len(set(parts["surname"])) == len(parts["surname"])
    assert len(set(parts["given"])) == len(parts["given"]) == 100


def test_english_towns_companies_and_families_have_different_names() -> None:
    parts = inventory("en")["parts"]
    made = [
        {a + b for a in parts[f"{kind}_head"].split() for b in parts[f"{kind}_tail"].split()}
        for kind in ("last", "place", "stem")
    ]
    assert not any(a & b for a, b in itertools.combinations(made, 2))


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_wording_in_seven_is_met_after_training_only(language: str) -> None:
    texts = inventory(language)["patterns"][0]["texts"]
    held_out = texts[6].partition("{")[0] or texts[6].partition("}")[2].partition("{")[0]
    assert not any(held_out in d.text for d in generate(2000, language, 2, "train"))
    assert any(held_out in d.text for d in generate(4000, language, 2, "test"))


def test_a_document_depends_on_its_number_alone() -> None:
    whole = list(generate(30, "zh", 4, "dev"))
    assert list(generate(10, "zh", 4, "dev", start=20)) == whole[20:]
    assert next(generate(1, "zh", 5, "dev")).text != whole[0].text
    assert next(generate(1, "zh", 4, "test")).text != whole[0].text


def test_same_bytes_for_any_hash_seed() -> None:
    code = (
        "import hashlib, json\n"
        "from iepile.corpus.synthetic import generate\n"
        "from iepile.unified import document_to_row\n"
        "rows = [document_to_row(d) for lang in ('zh', 'en') for d in generate(200, lang, 3)]\n"
        "print(hashlib.sha256(json.dumps(rows).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "77")
    }
    rows = [document_to_row(d) for lang in LANGUAGES for d in generate(200, lang, 3)]
    assert digests == {hashlib.sha256(json.dumps(rows).encode()).hexdigest()}


def test_memory_does_not_grow() -> None:
    docs = generate(3000, "en", 6)
    next(docs)
    tracemalloc.start()
    for _ in docs:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize("wrong", [{"language": "fr"}, {"split": "valid"}, {"seed": -1}, {"n": -1}])
def test_wrong_arguments_are_named_at_the_call(wrong: dict) -> None:
    with pytest.raises(InputError):
        generate(**{"n": 1, **wrong})


def test_pattern_notation() -> None:
    types = {"O": "org", "T": "date"}
    plan = pattern("{O} <bought> {O2} {T}", ["buy(who=O, what=O2, price=A, when=T)", "owns(O, O2)"], types)
    assert plan.literals == ("", " ", " ", " ", "") and plan.slots == ("O", "O", "T")
    assert plan.events == (("buy", 1, (("who", 0), ("what", 2), ("when", 3))),)
    assert plan.relations == (("owns", 0, 2, "org", "org"),)
    assert wording("<Layoffs> hit {O}", ["layoff(who=O)"], types, "{T}, ").inner.fills == ("layoffs", 0)
    with pytest.raises(ValueError, match="does not state"):
        pattern("{O} sleeps", ["owns(O, O2)"], types)
    with pytest.raises(ValueError, match="no trigger"):
        pattern("{O} sleeps", ["buy(who=O)"], types)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_has_a_dozen_wordings(language: str) -> None:
    counts: Counter[str] = Counter()
    for group in inventory(language)["patterns"]:
        label = group["states"][0].partition("(")[0] if group["states"] else ""
        counts[label] += len(group["texts"])
    assert len(counts) == 15 and min(counts.values()) >= 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_handwritten_documents_fit_the_schema(language: str) -> None:
    schema = Schema.read(DATA / f"schema_{language}.yaml")
    path = DATA / f"handwritten_{language}.jsonl"
    docs = [document_from_row(row, str(path), line) for line, row in read_rows(path)]
    assert len(docs) >= 30 and len({d.id for d in docs}) == len(docs)
    for doc in docs:
        check_labels(doc, schema)
        assert all(s.grounded for s in doc.facts.spans())
        assert (doc.language, doc.annotated) == (language, ("entity", "relation", "event"))
    assert {e.type for d in docs for e in d.events} == set(schema.event_names)
    assert {r.type for d in docs for r in d.relations} == set(schema.relation_names)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("task", ["NER", "RE", "EE"])
def test_three_line_schemas_say_the_same_as_the_yaml(language: str, task: str) -> None:
    path = DATA / language / f"schema_{task.lower()}.json"
    assert path.read_text(encoding="utf-8") == Schema.read(DATA / f"schema_{language}.yaml").three_lines(task)
