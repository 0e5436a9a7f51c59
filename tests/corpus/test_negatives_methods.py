"""Each way of mining on data small enough to know the answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.mining.confusions import Confusions
from iepile.corpus.mining.data import Observed
from iepile.corpus.mining.embedding import by_embedding
from iepile.corpus.mining.label_text import by_label_text, ngrams
from iepile.corpus.mining.labels import Label, Scores, labels_of
from iepile.corpus.mining.vectors import cosines, ppmi, tf_idf, transfer
from iepile.errors import InputError, MissingDependency
from iepile.jsonl import write_rows
from iepile.schema import EntityType, EventType, RelationType, Role, Schema
from iepile.tasks.task import get_task
from iepile.unified import document_from_row


def nearest(scores: Scores, label: str) -> str:
    return min(scores[label], key=lambda b: (-scores[label][b], b))


def test_labels_alike_in_their_characters() -> None:
    names = ["质押", "解除质押", "上市", "筹备上市", "地震"]
    zh = by_label_text([Label(n, n) for n in names])
    assert nearest(zh.scores, "质押") == "解除质押" and nearest(zh.scores, "筹备上市") == "上市"
    assert zh.scores["地震"] == {} and "质押" in zh.evidence("质押", "解除质押")
    en = by_label_text([Label(n, n) for n in ("birth place", "birthPlace", "birthday", "employer", "employs")])
    assert nearest(en.scores, "birth place") == "birthPlace"
    assert en.scores["birth place"]["birthPlace"] == pytest.approx(1)
    assert nearest(en.scores, "employer") == "employs" and ngrams("Ab-c") == ngrams("ab c")


def test_descriptions_roles_and_types_count() -> None:
    said = by_label_text([Label("a1", "vessel", "a ship at sea"), Label("b2", "boat", "a small ship"),
                          Label("c3", "tree", "a plant")])
    assert nearest(said.scores, "a1") == "b2"
    schema = Schema(
        relations=(RelationType("wrote", domain=("person",), range=("book",)),
                   RelationType("penned by", domain=("book",), range=("person",)),
                   RelationType("borders", domain=("country",), range=("country",))),
        events=(EventType("hire", (Role("firm"), Role("worker"))), EventType("layoff", (Role("firm"), Role("worker"))),
                EventType("flood", (Role("place"),))),
    )
    relations = by_label_text(labels_of(schema, get_task("RE")))
    assert nearest(relations.scores, "wrote") == "penned by"  # the inverse joins the same types
    assert relations.evidence("wrote", "penned by")[-1] == "types: book -> person"
    events = by_label_text(labels_of(schema, get_task("EE")))
    assert nearest(events.scores, "hire") == "layoff" and "2 of 2 roles: firm, worker" in events.evidence(
        "hire", "layoff")
    assert "flood" not in events.scores["hire"]


def test_a_kind_is_not_described_by_another_of_its_name() -> None:
    schema = Schema((EntityType("spouse", "a person"),), (RelationType("spouse", "married to"),))
    assert labels_of(schema, get_task("RE"))[0].description == "married to"
    assert labels_of(schema, get_task("NER"))[0].description == "a person"


def test_vectors_by_hand() -> None:
    counts = {"a": {"x": 2, "y": 2}, "b": {"x": 1, "z": 3}, "c": {"w": 4}}
    step = transfer(counts)
    # Half of a is x (weight log 4/2) and half y (log 4); of the three x, one is under b.
    assert step["a"]["b"] == pytest.approx(2 / 3 * 0.6931471805599453 / (2 * 0.6931471805599453 + 2 * 1.3862943611))
    assert step["c"] == {} and "c" not in step["a"]
    assert set(cosines(ppmi(counts))["a"]) <= {"b"}
    assert cosines(tf_idf({"a": {"x": 1}, "b": {"x": 1}}))["a"]["b"] == pytest.approx(1)
    assert cosines({"a": {}, "b": {}}) == {"a": {}, "b": {}} and transfer({"a": {}}) == {"a": {}}


COUNTS = st.dictionaries(
    st.sampled_from("abcd"), st.dictionaries(st.sampled_from("uvwxyz"), st.integers(1, 9), max_size=6), max_size=4
)


@given(counts=COUNTS, seed=st.randoms(use_true_random=False))
def test_likeness_is_a_share_of_one_in_any_order(counts: dict[str, dict[str, int]], seed: Any) -> None:
    def shuffled(x: dict[str, Any]) -> dict[str, Any]:
        return dict(seed.sample(sorted(x.items()), len(x)))

    for alike in (transfer, lambda c: cosines(ppmi(c)), lambda c: cosines(tf_idf(c))):
        scores = alike(counts)
        assert scores == alike({a: shuffled(counts[a]) for a in counts})
        for a, row in scores.items():
            assert a not in row and row.keys() <= counts.keys() and all(0 < s <= 1 for s in row.values())


def observed(task: str, schema: Schema, rows: list[dict[str, Any]]) -> Observed:
    return Observed(get_task(task), labels_of(schema, get_task(task))).add(map(document_from_row, rows))


def test_mentions_and_contexts_of_entities() -> None:
    schema = Schema.of_entities("公司", "机构", "人物", "地点")

    def row(text: str, mention: str, label: str) -> dict[str, Any]:
        return {"text": text, "entity": [{"entity": mention, "entity_type": label}]}

    seen = observed("NER", schema, [
        row("银河今天宣布裁员", "银河", "公司"), row("银河今天发布公告", "银河", "机构"),
        row("北辰今天宣布裁员", "北辰", "公司"),
        row("程远住在青岛", "程远", "人物"), row("程远住在青岛", "青岛", "地点"),
        row("梅雪住在临溪", "梅雪", "人物"), row("梅雪住在临溪", "临溪", "地点"),
    ])
    mentions, contexts = seen.scored("mentions"), seen.scored("contexts")
    assert mentions.scores["公司"].keys() == {"机构"} and mentions.scores["人物"] == {}
    # All of 机构 stands under 公司 too, but not the other way round.
    assert mentions.scores["机构"]["公司"] > mentions.scores["公司"]["机构"]
    assert set(mentions.evidence("公司", "机构")) == {"…河 (1 and 1 times)", "银河 (1 and 1 times)"}
    assert nearest(contexts.scores, "机构") == "公司"
    assert any("今" in e for e in contexts.evidence("机构", "公司"))


def test_pairs_of_relations_and_fillers_of_events() -> None:
    def relation(name: str, head: str, tail: str, **types: str) -> dict[str, Any]:
        return {"text": f"{head} {tail}.", "relation": [{"head": head, "relation": name, "tail": tail, **types}]}

    people = {"head_type": "person", "tail_type": "person"}
    seen = observed("RE", Schema.of_relations("parent", "child", "owns"), [
        relation("parent", "Ada", "Bo", **people), relation("child", "Bo", "Ada", **people),
        relation("owns", "Cy", "Dot", head_type="person", tail_type="firm"),
    ])
    assert seen.scored("mentions").scores["parent"]["child"] > 0  # the same pair, turned round
    assert seen.scored("mentions").scores["owns"] == {}
    fillers = seen.scored("fillers")
    assert fillers.scores["parent"].keys() == {"child"}
    assert fillers.evidence("parent", "child") == ("person -> person (1 and 1 times)",)

    def event(kind: str, trigger: str, *arguments: tuple[str, str]) -> dict[str, Any]:
        said = [{"argument": a, "role": r} for a, r in arguments]
        return {"text": trigger or "nothing", "event": [
            {"event_type": kind, "event_trigger": trigger, "arguments": said}]}

    events = observed("EE", Schema.of_events({"hire": ["who"], "dismissal": ["who"], "flood": ["place"]}), [
        event("hire", "took on", ("Ada", "who")), event("dismissal", "let go", ("Ada", "who")),
        event("flood", "rose", ("Oss", "place")), event("flood", ""),
    ])
    assert events.scored("fillers").scores["hire"].keys() == {"dismissal"}
    assert events.scored("mentions").scores["hire"] == {} and events.facts["flood"] == 2


def rows_of(task: str, labels: list[Any], texts: list[tuple[str, list[Any], dict[str, Any]]]) -> list[dict[str, str]]:
    return [
        {"id": str(n), "task": task, "source": "s", "label": json.dumps(gold), "output": json.dumps(answer),
         "instruction": json.dumps({"instruction": "Find.", "schema": labels, "input": text})}
        for n, (text, gold, answer) in enumerate(texts)
    ]


def entity(mention: str, label: str) -> dict[str, str]:
    return {"entity": mention, "entity_type": label}


def test_confusions_of_entities(tmp_path: Path) -> None:
    labels = ["city", "state", "person", "team"]
    write_rows(tmp_path / "p.json", rows_of("NER", labels, [
        ("Marrow", [entity("Marrow", "city")], {"state": ["Marrow"]}),
        ("New Marrow", [entity("New Marrow", "city")], {"state": ["Marrow"], "city": ["New Marrow"]}),
        ("Ada in Canada", [entity("Canada", "state")], {"person": ["Ada"]}),
        ("Tarn", [entity("Tarn", "city")], {"city": ["Tarn"], "team": []}),
        ("Old Tarn", [entity("Old Tarn", "city")], {"city": ["Tarn"]}),
        ("Lind", [entity("Lind", "person"), entity("Lind", "team")], {"person": ["Lind"], "team": ["Lind"]}),
    ]))
    schema = Schema.of_entities(*labels)
    found = Confusions(get_task("NER"), labels_of(schema, get_task("NER"))).add([tmp_path / "p.json"])
    assert found.same["city"] == {"state": 2} and found.records == 6
    assert found.same["state"] == {} and found.spurious["state"] == {"person": 1}  # ada is no word of canada
    assert found.same["person"] == {} and found.same["team"] == {}  # both labels are right
    scored = found.scored()
    assert nearest(scored.scores, "city") == "state" and nearest(scored.scores, "state") == "person"
    assert scored.evidence("city", "state") == ("answered so 2 times, of 4: marrow",)
    assert scored.evidence("state", "person") == ("answered 1 times where nothing is, in a text with state",)
    # A label never answered wrongly is nobody's neighbour; one that is, is everybody's a little.
    assert all("city" not in row for row in scored.scores.values()) and scored.scores["team"]["state"] > 0


def test_confusions_of_relations_and_events(tmp_path: Path) -> None:
    def relation(head: str, name: str, tail: str) -> dict[str, str]:
        return {"head": head, "relation": name, "tail": tail}

    write_rows(tmp_path / "re.json", rows_of("RE", ["parent", "child", "owns"], [
        ("a", [relation("Ada Vale", "parent", "Bo")], {"child": [{"subject": "Bo", "object": "Ada Vale"}]}),
        ("b", [relation("Ada Vale", "parent", "Bo")], {"owns": [{"subject": "Vale", "object": "Bo"}]}),
        ("c", [relation("Ada Vale", "parent", "Bo")], {"owns": [{"subject": "Cy", "object": "Bo"}]}),
    ]))
    schema = Schema.of_relations("parent", "child", "owns")
    found = Confusions(get_task("RE"), labels_of(schema, get_task("RE"))).add([tmp_path / "re.json"])
    assert found.same["parent"] == {"child": 1, "owns": 1} and found.spurious["parent"] == {"owns": 1}

    def event(kind: str, trigger: str) -> dict[str, Any]:
        return {"event_type": kind, "event_trigger": trigger, "arguments": []}

    asked = [{"event_type": n, "trigger": True, "arguments": []} for n in ("hire", "dismissal")]
    write_rows(tmp_path / "ee.json", rows_of("EE", asked, [
        ("let go", [event("dismissal", "let go")], {"hire": [{"trigger": "let go", "arguments": {}}]}),
    ]))
    types = Schema.of_events({"hire": [], "dismissal": []})
    found = Confusions(get_task("EE"), labels_of(types, get_task("EE"))).add([tmp_path / "ee.json"])
    assert found.same["dismissal"] == {"hire": 1} and found.same["hire"] == {}


def test_a_perfect_model_confuses_nothing(tmp_path: Path) -> None:
    write_rows(tmp_path / "p.json", rows_of("NER", ["a", "b"], [("x", [entity("x", "a")], {"a": ["x"]})]))
    found = Confusions(get_task("NER"), [Label("a", "a"), Label("b", "b")]).add([tmp_path / "p.json"])
    assert found.scored().scores == {"a": {}, "b": {}}


@pytest.fixture(scope="module")
def embedding_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that knows six words, and that two and two of them mean about the same."""
    np = pytest.importorskip("numpy")
    pytest.importorskip("sentence_transformers", reason="the extra `embeddings` is not installed")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[UNK]", "birth", "origin", "works", "employer", "river", "stream"]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.zeros((len(words), 4), dtype="float32")
    weights[:, 3] = 1.0  # the part that all have in common
    for n in range(1, 7):
        weights[n, (n - 1) // 2] = 1.0 + n / 100
    folder = tmp_path_factory.mktemp("embedding") / "model"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu").save(str(folder))
    return str(folder)


def test_labels_alike_for_an_embedding_model(embedding_model: str) -> None:
    labels = [Label(n, n) for n in ("birth", "origin", "works", "employer", "river")]
    found = by_embedding(labels, embedding_model)
    assert nearest(found.scores, "birth") == "origin" and nearest(found.scores, "employer") == "works"
    assert "works" not in found.scores["birth"]  # what they have in common says nothing
    assert found.evidence("birth", "origin")[0].startswith("cosine 1.000 in ")
    with_words = by_embedding([*labels, Label("r1", "unknown", "stream")], embedding_model)
    assert nearest(with_words.scores, "r1") == "river"  # the description is read too
    two = by_embedding(labels[:2], embedding_model)
    assert two.scores["birth"]["origin"] == pytest.approx(1, abs=1e-3)


def test_no_such_embedding_model_and_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [Label("a", "a"), Label("b", "b")]
    if "sentence_transformers" in sys.modules:
        with pytest.raises(InputError, match="no embedding model"):
            by_embedding(labels, str(tmp_path / "nothing"))
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingDependency, match=r"iepile\[embeddings\]"):
        by_embedding(labels, "any")


def test_confusions_of_typed_relations_and_attributes(tmp_path: Path) -> None:
    schema = Schema.of_signatures([("person", "born in", "city"), ("person", "died in", "city"),
                                   ("firm", "seat", "city")])
    gold = {"head": "Ada", "head_type": "person", "relation": "born in", "tail": "Tarn", "tail_type": "city"}
    spo = [{"subject_type": s, "predicate": p, "object_type": o} for s, p, o in (
        ("person", "born in", "city"), ("person", "died in", "city"), ("firm", "seat", "city"))]
    write_rows(tmp_path / "spo.json", rows_of("SPO", spo, [
        ("Ada, Tarn", [gold], {"born in": [], "died in": [{"subject": "Ada", "object": "Tarn"}], "seat": []})]))
    task = get_task("SPO")
    found = Confusions(task, labels_of(schema, task)).add([tmp_path / "spo.json"])
    assert found.same["person_born in_city"] == {"person_died in_city": 1}

    kg = [{"entity_type": "person", "attributes": ["born in", "died in"]},
          {"entity_type": "firm", "attributes": ["seat", "born in"]}]
    write_rows(tmp_path / "kg.json", rows_of("KG", kg, [
        ("Ada, Tarn", [gold], {"person": {}, "firm": {"Ada": {"seat": "Tarn"}}})]))
    task = get_task("KG")
    found = Confusions(task, labels_of(schema, task)).add([tmp_path / "kg.json"])
    assert found.same["person"] == {"firm": 1}


def test_confusions_of_triggers_alone(tmp_path: Path) -> None:
    schema = Schema.of_events({"hire": ["who"], "dismissal": ["who"]})
    gold = {"event_type": "dismissal", "event_trigger": "let go", "arguments": []}
    write_rows(tmp_path / "eet.json", rows_of("EET", ["hire", "dismissal"], [
        ("let go", [gold], {"hire": ["let go"], "dismissal": []})]))
    task = get_task("EET")
    found = Confusions(task, labels_of(schema, task)).add([tmp_path / "eet.json"])
    assert found.same["dismissal"] == {"hire": 1}
