"""Merges lie over the facts: found again the same, taken back, remembered, and never in the way of documents."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.entity_merging import MergeConfig, merge_graph
from iepile.graph.loading import Loading, Part
from iepile.graph.merge_list import MergesConfig, merges
from iepile.graph.store import Store
from iepile.graph.unmerging import UnmergeConfig, unmerge_graph


def edge(head: str, relation: str, tail: str, head_type: str | None = "org", tail_type: str | None = "person",
         document: str = "d1", **more: Any) -> Edge:
    return Edge(head=head, relation=relation, tail=tail, kind="relation", head_type=head_type, tail_type=tail_type,
                document=document, **more)


FIRMS = [
    edge("International Business Machines", "founder", "Thomas Watson"),
    edge("IBM", "founder", "T. Watson", document="d2"),
    edge("IBM Corp.", "chief", "Ginni Rometty", document="d3"),
    edge("北京大学", "校长", "蔡元培", "学校", "人物", document="d4"),
    edge("北大", "校长", "蔡元培先生", "学校", "人物", document="d5"),
]


def put(path: Path, edges: list[Edge], run: str = "1") -> str:
    with Store(path, write=True) as store:
        loading = Loading(store, run, run)
        for n, e in enumerate(edges, 1):
            loading.put(Part(e.document, e.source, "RE", n), [e])
        loading.finish()
    return str(path)


@pytest.fixture
def graph(tmp_path: Path) -> str:
    return put(tmp_path / "g.db", FIRMS)


def standing(graph: str) -> dict[str, tuple[str, ...]]:
    with Store(graph) as store:
        return {n.name: n.aliases for n in store.nodes() if n.aliases}


def test_merged_once_and_for_all(graph: str) -> None:
    done = merge_graph(MergeConfig(graph))
    assert (done.nodes, done.merges, done.new, done.taken_back, done.changed) == (10, 5, 5, 0, True)
    assert done.rules == dict.fromkeys(("title", "ending", "short form", "initials", "given name"), 1)
    assert standing(graph) == {"IBM Corp.": ("International Business Machines", "IBM"), "Thomas Watson": ("T. Watson",),
                               "北京大学": ("北大",), "蔡元培": ("蔡元培先生",)}
    assert done.telling[0].startswith("T. Watson -> Thomas Watson (given name, 0.93: 'T. Watson': the same family name")
    before = Path(graph).read_bytes()
    again = merge_graph(MergeConfig(graph))
    assert (again.new, again.taken_back, again.merges, again.changed) == (0, 0, 5, False)
    assert Path(graph).read_bytes() == before
    with Store(graph) as store:
        (found,) = store.edges("head = ? AND head_mention = ?", ("IBM Corp.", "IBM"))
    assert (found.tail, found.tail_mention) == ("Thomas Watson", "T. Watson")


def test_a_higher_score_takes_merges_back_and_a_dry_run_nothing(graph: str, tmp_path: Path) -> None:
    merge_graph(MergeConfig(graph))
    before = Path(graph).read_bytes()
    told = merge_graph(MergeConfig(graph, at_least=0.96, dry_run=True, output=str(tmp_path / "pairs.jsonl")))
    assert (told.merges, told.taken_back, told.changed) == (1, 4, False)
    assert Path(graph).read_bytes() == before
    (row,) = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text("utf-8").splitlines()]
    assert row == {"name": "蔡元培先生", "into": "蔡元培", "type": "人物", "into_type": "人物", "score": 0.97,
                   "rule": "title", "reason": "'蔡元培' and '蔡元培先生': the same but for the title (先生); both 人物"}
    assert merge_graph(MergeConfig(graph, at_least=0.96)).merges == 1
    assert standing(graph) == {"蔡元培": ("蔡元培先生",)}


def test_what_is_set_apart_stays_apart(graph: str) -> None:
    merge_graph(MergeConfig(graph))
    done = unmerge_graph(UnmergeConfig(graph, "IBM"))
    assert (done.taken_back, done.apart, done.left, done.now) == (1, 2, 4, ["IBM (org)"])
    merge_graph(MergeConfig(graph))
    assert "IBM" not in {a for of in standing(graph).values() for a in of}
    assert merges(MergesConfig(graph, apart=True)).merges == 2
    # The last word of a person counts.
    assert merge_graph(MergeConfig(graph, "IBM", "IBM Corp.")).rules["by hand"] == 1
    assert merges(MergesConfig(graph, apart=True)).merges == 1
    unmerge_graph(UnmergeConfig(graph, all=True))
    assert standing(graph) == {"IBM Corp.": ("IBM",)}
    (row,) = merges(MergesConfig(graph)).rows
    assert (row.name, row.into, row.rule, row.score) == ("IBM", "IBM Corp.", "by hand", 1.0)


def test_one_pair_of_a_group_and_two_that_were_never_merged(graph: str) -> None:
    merge_graph(MergeConfig(graph))
    done = unmerge_graph(UnmergeConfig(graph, "IBM Corp.", "International Business Machines"))
    assert (done.taken_back, done.now) == (1, ["International Business Machines (org)"])
    assert standing(graph)["IBM Corp."] == ("IBM",)
    done = unmerge_graph(UnmergeConfig(graph, "IBM", "北大"))
    assert (done.taken_back, done.apart) == (0, 1)
    with pytest.raises(InputError, match="is not merged"):
        unmerge_graph(UnmergeConfig(graph, "Ginni Rometty"))


def test_by_hand_the_name_given_stays_and_no_merge_is_lost(graph: str) -> None:
    merge_graph(MergeConfig(graph))
    merge_graph(MergeConfig(graph, "Ginni Rometty", "T. Watson", into_type="person"))
    assert standing(graph)["T. Watson"] == ("Thomas Watson", "Ginni Rometty")
    merge_graph(MergeConfig(graph))
    assert standing(graph)["Thomas Watson"] == ("T. Watson", "Ginni Rometty")
    # The type of the node that stays counts: what else had been found for a school is not found for a firm.
    merge_graph(MergeConfig(graph, "北京大学", "IBM"))
    assert standing(graph)["IBM"] == ("International Business Machines", "IBM Corp.", "北京大学", "北大")
    merge_graph(MergeConfig(graph))
    assert standing(graph)["IBM Corp."] == ("International Business Machines", "IBM", "北京大学")
    unmerge_graph(UnmergeConfig(graph, "北京大学", "IBM"))
    assert merges(MergesConfig(graph, rule="by hand")).merges == 1


def test_a_group_made_by_hand_goes_as_a_whole(tmp_path: Path) -> None:
    graph = put(tmp_path / "g.db", [edge("Ada Byron", "r", "x", "person"), edge("A. Byron", "s", "y", "person"),
                                    edge("the countess", "t", "z", None)])
    # The one with a type stands for both.
    merge_graph(MergeConfig(graph, "A. Byron", "the countess"))
    assert standing(graph) == {"A. Byron": ("the countess",)}
    done = merge_graph(MergeConfig(graph))
    assert standing(graph) == {"Ada Byron": ("A. Byron", "the countess")}
    assert done.rules == {"by hand": 1, "given name": 1}


def test_names_of_several_nodes(tmp_path: Path) -> None:
    graph = put(tmp_path / "g.db", [edge("Paris", "r", "Bob", "city"), edge("Paris", "r", "Bob", "person"),
                                    edge("Paris", "s", "Eve", None, None)])
    # No type tells which of the two it is.
    assert merge_graph(MergeConfig(graph)).ambiguous == 1
    with pytest.raises(InputError, match=r"3 nodes have the name 'Paris': of type -, city, person"):
        merge_graph(MergeConfig(graph, "Paris", "Bob"))
    assert merge_graph(MergeConfig(graph, "Paris", "Paris", type="-", into_type="city")).merges == 1
    with Store(graph) as store:
        assert [(e.head, e.head_type, e.relation) for e in store.edges("head_type = 'city'")] == [
            ("Paris", "city", "r"), ("Paris", "city", "s")]
    with pytest.raises(InputError, match="a node and itself"):
        merge_graph(MergeConfig(graph, "Bob", "Bob"))
    with pytest.raises(InputError, match=r"no node 'paris x'\n.*\n.*did you mean 'Paris' \(-\) or 'Paris' \(city\)"):
        unmerge_graph(UnmergeConfig(graph, "paris x"))


def test_bad_settings(graph: str, tmp_path: Path) -> None:
    for config, words in ((MergeConfig(), "not given"), (MergeConfig(graph, node="IBM"), "both --node and --into"),
                          (MergeConfig(graph, at_least=2), "no score"),
                          (MergeConfig(str(tmp_path / "x.db")), "no such"),
                          (MergeConfig(graph, embedding_model=str(tmp_path / "none")), "no such folder")):
        with pytest.raises(InputError, match=words):
            merge_graph(config)
    assert not (tmp_path / "x.db").exists()
    for config in (UnmergeConfig(graph), UnmergeConfig(graph, "IBM", all=True)):
        with pytest.raises(InputError, match="--node, or --all"):
            unmerge_graph(config)
    with pytest.raises(InputError, match="limit"):
        merges(MergesConfig(graph, limit=-1))


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    names = ["'); DROP TABLE edge; --", '"}) DETACH DELETE n //', "<script>alert(1)</script>", "a\x00b", "\u202eabc",
             " ", "", "NULL", "nan", "-", "x" * 10_000, "😀", "e\u0301", "half\ud800"]
    graph = put(tmp_path / "g.db", [edge(n, "r", "Bob", None, None) for n in names])
    done = merge_graph(MergeConfig(graph))
    assert (done.nodes, done.nameless) == (len(names) + 1, 2)
    for name in names:
        merge_graph(MergeConfig(graph, name, "Bob")) if name else None
    assert len(standing(graph)["Bob"]) == len(names) - 1
    for name in filter(None, names):
        unmerge_graph(UnmergeConfig(graph, name))
    assert merge_graph(MergeConfig(graph)).merges == 0


def test_a_model_by_its_folder(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    pytest.importorskip("sentence_transformers", reason="the extra `embeddings` is not installed")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[UNK]", "carmaker", "automaker", "river"]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.array([[0, 0, 1], [1, 0, 0], [1, 0.1, 0], [0, 1, 0]], dtype="float32")
    folder = tmp_path / "model"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu").save(str(folder))
    graph = put(tmp_path / "g.db", [edge(n, "seat", "Rome", "thing", "place") for n in words[1:]])
    assert merge_graph(MergeConfig(graph)).merges == 0
    assert merge_graph(MergeConfig(graph, embedding_model=str(folder))).rules == {"embedding": 1}
    assert standing(graph) == {"automaker": ("carmaker",)}
    shutil.copy(folder / "config_sentence_transformers.json", folder / "other.pt")
    (folder / "1").mkdir()
    shutil.move(folder / "other.pt", folder / "1" / "pytorch_model.bin")
    with pytest.raises(InputError, match="not safetensors"):
        merge_graph(MergeConfig(graph, embedding_model=str(folder)))
