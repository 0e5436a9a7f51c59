r"""The shape of answers to questions in plain words that ask for triples: the form of the InstructKGC guide.

    ... 关系类型为{'国籍','获奖'}, ... 以(头实体,关系,尾实体)的形式回答         (弗雷泽,国籍,澳大利亚)(弗雷泽,获奖,铜牌)
    ... relation list: ['knows'] ... (Subject,Relation,Object)\n format      (Ada,knows,Bob)

The four layouts of kg2instruction are known, Chinese and English. A mention that holds a sign by which it ends when
the answer is read, or that begins with a quotation mark, is a JSON string: `(Clare,population,"2,424")`. That there is
nothing is said by `NAN`; where the question does not name it, as in the guide, by an empty answer too.

Mentions are pieces of the text, unless the question asks to complete triples that are missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from iepile.tasks.shape import MENTION, Bare, Free, InOrder, ListOf, Mention, OneOf, Shape, Text, Words
from iepile.tasks.triple_brackets import LINES, MARKS
from iepile.tasks.triple_text import written_part

NOTHING = "NAN"
OPENING = "输入中包含的关系三元组是：\n"
"""What models of older rows begin a list with."""
_BLANKS = " \t\x1f\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
IN_A_LIST, IN_AN_OBJECT = ",，()（）", "'\"\\"
"""Signs for which a mention is written as a JSON string: in the layouts of phrases and labels, and of objects."""
_HEAD = r"(?:头实体|头|主体|主语|实体1|subject|head(?: entity)?|entity ?1|ent1)"
_RELATION = r"(?:关系类型|关系|谓语|谓词|relation(?: type)?|rel|predicate)"
_TAIL = r"(?:尾实体|尾|客体|宾语|实体2|object|tail(?: entity)?|entity ?2|ent2)"
_LIST = re.compile(r"""[\[{【]\s*((?:'[^'\n]*'|"[^"\n]*"|“[^”\n]*”|[^\[\]{}【】'"“])*)[\]}】]""")
_QUOTED = re.compile(r"""'([^'\n]*)'|"([^"\n]*)"|“([^”\n]*)”""")
_KIND = re.compile(r"关系|谓[语词]|relation|predicate|(实体|类别|entit|object|subject)", re.I)
_WORD = r"[^，,。；;\n\[{【(（]+"
_COMPLETE = re.compile(
    r"补全|补齐|补充\w{0,4}缺失|(?:complet(?:e|ing)|fill(?:ing)? in)\b[^.。]*\b(?:missing|lost)\b", re.I)
LONGEST = 200
"""Characters of a completed mention."""
_RUN = re.compile(rf"(?:关系类型|关系列表|关系)(?:包括|包含|有|为|是|[：:])+\s*({_WORD}、{_WORD})")


class _Layout(NamedTuple):
    """How a question describes the answer, and the shape of one triple."""

    described: re.Pattern[str]
    item: Callable[[re.Match[str], Shape], Shape]
    without: str
    """Characters that a mention or a relation in this layout does not hold."""


def _bracketed(m: re.Match[str], relation: Shape) -> Shape:
    left, comma, right = m["open"], m["comma"], m["close"]
    end = OneOf((Bare("(),（），" + LINES, _BLANKS + MARKS), MENTION))
    relation = _each(relation, written_part)
    return InOrder((Text(left), end, Text(comma), relation, Text(comma), end, Text(right)))


def _phrased(m: re.Match[str], relation: Shape) -> Shape:
    end = _listed_end()
    first, second, third = (f"{word} " if word.isascii() else word for word in m.groups() if word)
    return InOrder((Text(first), end, Text(f",{second}"), relation, Text(f",{third}"), end))


def _labelled(m: re.Match[str], relation: Shape) -> Shape:
    end = _listed_end()
    return InOrder((relation, Text("："), end, Text(","), end))


def _listed_end() -> Shape:
    return OneOf((Bare(IN_A_LIST + LINES, _BLANKS + MARKS), MENTION))


def _keyed(m: re.Match[str], relation: Shape) -> Shape:
    # Python writes whatever needs an escape or other quotes differently: there a mention is written as JSON does.
    bare: Shape = Bare(IN_AN_OBJECT + LINES, _BLANKS)
    if m["list"]:
        bare = OneOf((bare, Text(NOTHING)))
    end = OneOf((InOrder((Text("'"), bare, Text("'"))), MENTION))
    quoted: Shape = InOrder((Text("'"), relation, Text("'")))
    if isinstance(relation, OneOf):
        quoted = _each(relation, repr)
    return InOrder((Text("{'head': "), end, Text(", 'relation': "), quoted, Text(", 'tail': "), end, Text("}")))


def _each(relation: Shape, write: Callable[[str], str]) -> Shape:
    """The relations of a question, each as an answer writes it."""
    if not isinstance(relation, OneOf):
        return relation
    return OneOf(tuple(Text(write(o.text)) for o in relation.options if isinstance(o, Text)))


_LAYOUTS = (
    _Layout(re.compile(r"(?P<list>\[?)\{'head': ?'', ?'relation': ?'', ?'tail': ?''\}"), _keyed, "'\"\\"),
    _Layout(re.compile(r"(头实体是),(关系是),(尾实体是)|(Subject is),(Relation is),(Object is)"), _phrased, ","),
    _Layout(re.compile(r"关系：头实体,尾实体|Relation：Subject,Object"), _labelled, "：,"),
    _Layout(re.compile(rf"(?P<open>[(（])\s*{_HEAD}\s*(?P<comma>[,，])\s*{_RELATION}\s*[,，]\s*{_TAIL}\s*(?P<close>[)）])",
                       re.I), _bracketed, "(),（），"),
)


def triple_shape(instruction: str) -> Shape | None:
    """The shape of the answers to a question in words; None: it asks for no triples in a layout that is known.

    Where the question does not list its relations in a way that can be read, a relation is any words.
    """
    if _is_json(instruction):
        return None
    for layout in _LAYOUTS:
        if m := layout.described.search(instruction):
            break
    else:
        return None
    labels = relations_of(instruction[: m.start()] + " " + instruction[m.end() :])
    if labels == ():
        return Text(NOTHING)
    relation: Shape = Words(layout.without + LINES) if labels is None else OneOf(tuple(map(Text, labels)))
    item = layout.item(m, relation)
    if asks_to_complete(instruction):
        item = _freed(item)
    if "list" in m.groupdict() and m["list"]:
        whole = ListOf(item, least=1)
        return OneOf((InOrder((Text(OPENING), whole)), whole, Text(NOTHING)))
    least = 1 if NOTHING in instruction else 0
    # A line break after the layout belongs to it, as a character or spelt out.
    lines = re.match(r"\s*\n|\\n", instruction[m.end() :])
    rows: tuple[Shape, ...] = (ListOf(item, least, "", "\n"),)
    if not lines and layout.item is _bracketed:
        rows = (ListOf(item, least, "", ""), *rows)
    return OneOf((*rows, Text(NOTHING)))


def bracket_shape(relations: Iterable[str]) -> Shape:
    """The shape of `(head,relation,tail)(…)` with these relations, or `NAN`."""
    m = _LAYOUTS[-1].described.search("(头实体,关系,尾实体)")
    assert m is not None
    labels = tuple(dict.fromkeys(relations))
    if not labels:
        return Text(NOTHING)
    return OneOf((ListOf(_bracketed(m, OneOf(tuple(map(Text, labels)))), 1, "", ""), Text(NOTHING)))


def asks_to_complete(question: str) -> bool:
    """Whether a question in words asks for triples that are missing as well, whose mentions need not be in the text.

    >>> asks_to_complete("请补全缺失的三元组。关系类型为{'国籍'},…"), asks_to_complete("关系类型为{'补全缺失'},…")
    (True, False)
    """
    return _COMPLETE.search(_LIST.sub("", question)) is not None


def _freed(shape: Shape) -> Shape:
    """The shape with any words where it has mentions."""
    match shape:
        case Bare(without, not_first):
            return Words(without, LONGEST, not_first)
        case Mention():
            return Free(LONGEST)
        case OneOf(options):
            return OneOf(tuple(map(_freed, options)))
        case InOrder(parts):
            return InOrder(tuple(map(_freed, parts)))
    return shape


def relations_of(question: str) -> tuple[str, ...] | None:
    """The relations that a question in words lists; None where it lists none that can be read."""
    if (found := _listed(question, entities=False)) is None and (run := _RUN.search(question)):
        return tuple(dict.fromkeys(label.strip() for label in run[1].split("、") if label.strip()))
    return found


def entities_of(question: str) -> tuple[str, ...] | None:
    """The entity types that a question in words lists; None where it lists none that can be read."""
    return _listed(question, entities=True)


def _listed(question: str, entities: bool) -> tuple[str, ...] | None:
    """The first list of that kind: the last word before it tells what it lists."""
    for m in _LIST.finditer(question):
        before = re.split(r"[,，。；;.\n\]}】]", question[: m.start()])[-1]
        kinds = list(_KIND.finditer(before))
        if not kinds or bool(kinds[-1][1]) != entities:
            continue
        if re.search(r"\w", _QUOTED.sub("", m[1])):
            found = [part.strip(" " + MARKS) for part in re.split("[,，、;；|]", m[1])]
        else:
            found = [a or b or c for a, b, c in _QUOTED.findall(m[1])]
        return tuple(dict.fromkeys(label for label in found if label))
    return None


def _is_json(instruction: str) -> bool:
    try:
        return instruction.lstrip().startswith("{") and isinstance(json.loads(instruction), dict)
    except ValueError:
        return False
