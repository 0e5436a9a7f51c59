"""Names of one thing are merged with a reason, names of two things are not, in any order of the nodes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.graph.merging import MergingConfig, Node, merge


def groups(names: tuple[str, ...], type_: str | None) -> set[frozenset[str]]:
    """Which of the names are put together."""
    merges = merge([Node(n, n, type_) for n in names]).merges
    out: dict[str, set[str]] = {}
    for m in merges:
        out.setdefault(m.kept, {m.kept}).add(m.gone)
    return set(map(frozenset, out.values()))


@pytest.mark.parametrize(("type_", "names"), [
    ("organisation", ("IBM", "International Business Machines", "International Business Machines Corp.", "I.B.M.")),
    ("组织机构", ("北京大学", "北大")),
    ("组织机构", ("中国科学院", "中科院")),
    ("组织机构", ("腾讯科技有限公司", "腾讯科技")),
    ("person", ("Ada Byron", "Dr. Ada Byron", "A. Byron", "Ada Byorn", "Byron, Ada", "ADA BYRON")),
    ("人物", ("王伟教授", "王伟", "王伟 先生")),
    ("人物", ("总统奥巴马", "奥巴马", "奥巴马总统")),
    ("organisation", ("Microsoft", "Microsft", "Mircosoft")),
    ("organisation", ("University of Oxford", "Oxford University")),
    ("place", ("São Paulo", "Sao Paulo")),
    ("地点", ("北京市", "北京")),
    (None, ("Coca-Cola", "CocaCola", "Ｃoca Cola")),
    ("公司", ("中国建设银行股份有限公司", "中国建没银行股份有限公司")),
    ("ORG", ("深圳证券交易所", "深交所")),
    ("ORG", ("鞍山钢铁公司", "鞍钢")),
    ("event", ("中国人民政治协商会议第八届全国委员会", "中国人民治协商会议第八届全国委员会")),
    ("organisation", ("Leicester Aviation Company", "Leicester Aviation Compamy")),
    ("organisation", ("Kingston Whitaker Company", "Kingston Whitaker Company Ltd", "Kingston Whitaker")),
    ("organisation", ("Albany Financial Lancaster Company", "AFLC")),
    ("organisation", ("Bristol Textile Institute", "Bristol Textile Works", "BristolTextile Institute")[::2]),
    ("person", ("Gong Zhichao", "Gong Zichao")),
    ("product", ("Stewart platform", "Stewart platforms")),
])
def test_one_thing(type_: str | None, names: tuple[str, ...]) -> None:
    assert groups(names, type_) == {frozenset(names)}


@pytest.mark.parametrize(("type_", "names"), [
    ("person", ("Mr. Smith", "Mrs. Smith")),
    ("person", ("Mr. Smith", "Mrs. Smith", "Smith")),
    ("person", ("John Smith", "Jane Smith", "J. Smith")),
    ("person", ("Maria Lopez", "Mario Lopez")),
    ("人物", ("王伟", "王玮", "王小伟")),
    ("人物", ("王教授", "王先生")),
    ("组织机构", ("北京大学", "南京大学", "北京师范大学")),
    ("组织机构", ("中国工商银行", "中国农商银行", "中国银行", "中国")),
    ("组织机构", ("北京市第一中学", "北京市第二中学")),
    ("地点", ("吉林省", "吉林市", "吉林")),
    ("地点", ("河南省", "河北省", "湖南省")),
    ("organisation", ("American Bar Association", "ABA", "American Bankers Association")),
    ("event", ("World War I", "World War II")),
    ("product", ("Boeing 737", "Boeing 747")),
    ("language", ("C", "C++", "C#")),
    (None, ("2,424人", "2424个", "24人", "5 km", "5 m", "1.5", "15", "2024年", "2023年")),
    (None, ("2024年5月", "$5", "€5", "5%", "5")),
    (None, ("May 5, 2024", "May 6, 2024", "five miles", "five metres", "三千公里", "三千公斤")),
    ("ORG", ("浙江大学", "浙江工业大学信息工程学院")),
    ("ORG", ("国防部", "国防情报部")),
    ("ORG", ("人民日报社", "人民日报出版社")),
    ("ORG", ("金科集团", "金风科技")),
    ("ORG", ("北京工业大学", "北方工业大学", "北京工商大学")),
    ("ORG", ("甘肃环境保护局", "甘肃环境保护所")),
    ("ORG", ("河南硕华会计师事务所", "河南联华会计师事务所")),
    ("职务", ("人事部部长", "人事部经理", "人事部副经理", "党委委员", "校党委委员", "秘书长", "秘书处处长")),
    ("LOC", ("Hunan", "Henan", "Yongzhou", "Yangzhou", "Panama", "Panama City", "Columbia", "Columbian")),
    ("PER", ("Uighur", "Uighurs", "Dumont", "Dupont")),
    ("country", ("Iran", "Iraq", "Niger", "Nigeria", "Austria", "Australia")),
])
def test_two_things(type_: str | None, names: tuple[str, ...]) -> None:
    assert groups(names, type_) == set()


def test_a_slip_that_many_make_is_still_one() -> None:
    places = ["Albany", "Bristol", "Denver", "Glasgow", "Hamburg", "Jakarta", "Leicester", "Norwich", "Oakland",
              "Plymouth", "Seattle", "Toronto", "Utrecht", "Warsaw", "Kingston", "Florence", "Cambridge", "Edmonton",
              "Islington", "Manchester", "Rotterdam", "Vancouver", "Abernathy", "Blackwood", "Cavendish", "Eastwood",
              "Fairbanks", "Galloway", "Huntington", "Lancaster", "Pemberton", "Sinclair", "Thornton", "Underwood",
              "Vanderbilt", "Wakefield", "Whitaker", "Winchester", "Rutherford", "Montgomery", "Stapleton"]
    names = [f"{p} Optical Laboratory" for p in places]
    assert groups((*names, "Albany Optiacl Laboratory", "Bristol Optiacl Laboratory"), "organisation") == {
        frozenset((f"{p} Optical Laboratory", f"{p} Optiacl Laboratory")) for p in ("Albany", "Bristol")}
    # Where the other word is not so rare it is one of its own.
    assert groups((*names[:9], "Albany Optimal Laboratory", "Bristol Optimal Laboratory"),
                  "organisation") == set()


def test_types_must_agree() -> None:
    assert not merge([Node("1", "Paris", "city"), Node("2", "Paris", "person")]).merges
    (m,) = merge([Node("1", "Paris", "city"), Node("2", "Paris")]).merges
    assert (m.kept, m.gone, m.rule, m.score) == ("1", "2", "same name", 1.0)


def test_a_reason_has_rule_and_figures() -> None:
    shared = (("founder", "n9"), ("seat", "n8"))
    (m,) = merge([Node("1", "Byron", "person", neighbours=shared), Node("2", "Ada Byron", "person", neighbours=shared),
                  Node("3", "Ada Lovell", "person")]).merges
    assert (m.kept, m.gone, m.rule) == ("2", "1", "family name")
    assert m.score == round(1 - 0.2 * 0.4**2, 4)
    assert m.reason == ("'Byron': the last word of 'Ada Byron'; both person; "
                        "2 shared neighbours, the rarest (founder, n9) with 2 names")


def test_neighbours_that_all_share_say_little() -> None:
    crowd = [Node(f"x{i}", f"{'abcdefghijklmnopqrst'[i] * 9}", "person", neighbours=(("born in", "China"),))
             for i in range(18)]
    pair = [Node("1", "Byron", "person", neighbours=(("born in", "China"),)),
            Node("2", "Ada Byron", "person", neighbours=(("born in", "China"),))]
    assert len(merge(pair).merges) == 1
    assert merge(pair + crowd).merges == []


def test_a_short_form_takes_the_name_with_its_neighbours() -> None:
    both = (("seat", "Chicago"),)
    names = [Node("1", "American Bar Association", "org", neighbours=both), Node("2", "ABA", "org", neighbours=both),
             Node("3", "American Bankers Association", "org")]
    assert [(m.kept, m.gone) for m in merge(names).merges] == [("1", "2")]
    assert merge([msgspec_without(n) for n in names]).ambiguous == ["2"]


def msgspec_without(node: Node) -> Node:
    return Node(node.id, node.name, node.type)


def test_aliases_and_edges_that_state_one() -> None:
    (m,) = merge([Node("1", "Samuel Clemens", "person", ("Mark Twain",)), Node("2", "Mark Twain", "person")]).merges
    assert m.rule == "alias"
    (m,) = merge([Node("1", "鲁迅", "人物", neighbours=(("别名", "2"),)), Node("2", "周树人", "人物")]).merges
    assert m.rule == "alias"
    assert "别名" in m.reason


def test_common_spellings_and_joined_things_stay_two() -> None:
    once = [Node("1", "Katherine Olsen", "person", mentions=90), Node("2", "Kathorine Olsen", "person")]
    assert len(merge(once).merges) == 1
    assert not merge([Node("1", "Karlsen", "person", mentions=90), Node("2", "Karlson", "person", mentions=40)]).merges
    firm, daughter = Node("1", "Microsoft", "org", neighbours=(("owns", "2"),)), Node("2", "Microsofts", "org")
    assert not merge([firm, daughter]).merges


def test_embeddings_need_a_neighbour() -> None:
    numpy = pytest.importorskip("numpy")
    near = {"car maker": [1, 0], "producer of autos": [0.9, 0.2], "river": [0, 1]}
    shared = (("makes", "n7"),)

    def embed(names: list[str]) -> object:
        return numpy.array([near[n] for n in names])

    nodes = [Node(n, n, neighbours=shared) for n in near]
    (m,) = merge(nodes, embed=embed).merges
    assert {m.kept, m.gone} == {"car maker", "producer of autos"}
    assert m.rule == "embedding"
    assert merge(nodes).merges == []
    assert merge([Node(n, n) for n in near], embed=embed).merges == []


POOL = ["Ada Byron", "A. Byron", "Dr. Ada Byron", "Ada Byrom", "Adam Byron", "Byron", "IBM", "I.B.M.", "Ibm Corp",
        "International Business Machines", "Indian Bank Management", "北大", "北京大学", "北方大学", "北京", "北京市",
        "5 km", "5 m", "World War I", "World War II", "Bob Stone", "Bob Stome", "Rob Stone", "Mr. Stone", "Mrs Stone",
        "Stone"]
nodes_ = st.lists(st.builds(
    Node, st.just(""), st.sampled_from(POOL), st.sampled_from([None, "person", "organisation"]),
    st.lists(st.sampled_from(POOL), max_size=1).map(tuple), st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from("rs"), st.sampled_from("xyz")), max_size=2).map(tuple)), max_size=14).map(
        lambda ns: [Node(f"n{i:02}", n.name, n.type, n.aliases, n.mentions, n.neighbours) for i, n in enumerate(ns)])


@settings(max_examples=150, deadline=None)
@given(nodes_, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_and_each_goes_once(nodes: list[Node], rng: random.Random) -> None:
    found = merge(nodes)
    mixed = [Node(n.id, n.name, n.type, n.aliases[::-1], n.mentions, n.neighbours[::-1]) for n in nodes]
    rng.shuffle(mixed)
    assert merge(mixed) == found
    gone = [m.gone for m in found.merges]
    assert len(set(gone)) == len(gone)
    assert not set(gone) & {m.kept for m in found.merges}
    types: dict[str, set[str]] = {}
    by_id = {n.id: n for n in nodes}
    for m in found.merges:
        types.setdefault(m.kept, set()).update(t for i in (m.kept, m.gone) if (t := by_id[i].type) is not None)
        assert m.score >= 0.9
        assert m.reason
    assert all(len(t) < 2 for t in types.values())


def test_what_cannot_be_merged_is_named() -> None:
    with pytest.raises(InputError, match="two nodes have the id '1'"):
        merge([Node("1", "a"), Node("1", "b")])
    with pytest.raises(InputError, match="empty name"):
        merge([Node("1", " ")])
    with pytest.raises(InputError, match="no score"):
        merge([], MergingConfig(at_least=2))
    assert merge([]).merges == []
