"""Made triples, Chinese and English, whose mentions hold what breaks a form of brackets and commas."""

from __future__ import annotations

import random

NAMES = {"zh": ("弗雷泽", "北京奥运会", "女子水球世界杯", "银河公司", "青岛", "陈默", "《远山》", "第3代飞船", "甲"),
         "en": ("Ada Lovelace", "Clare", "Galaxy Ltd", "the Far Hills", "O2", "Ennis", "Kim", "A")}
RELATIONS = {"zh": ("国籍", "人口", "获奖", "参加", "别名", "成立时间(年)", "关系：次级", "部门,处"),
             "en": ("born in", "population", "spouse", "alias", "founded (year)", "part of", "next to, or by")}
UNITS = {"zh": ("人", "公里", "亿元", "吨", ""), "en": (" people", " km", " USD", "", "%")}
KINDS = ("plain", "commas", "brackets", "full-width brackets", "nested brackets", "unbalanced brackets", "quotes",
         "curly quotes", "numbers", "full-width signs", "escapes", "line breaks", "words of a layout")
_LAYOUT_WORDS = ("头实体是", "关系是", "NAN", "无", "Subject is ", ",Relation is ", "{'head': '", "国籍：甲,乙",
                 "(头实体,关系,尾实体)", "[]", "输入中包含的关系三元组是：")

Triple = tuple[str, str, str]


def odd_triples(n: int, language: str, seed: int) -> list[tuple[str, Triple]]:
    """n triples, each with the kind of what stands in it; the same for the same seed."""
    rng = random.Random(f"{seed} {language}")
    made = []
    for i in range(n):
        kind = KINDS[i % len(KINDS)]
        ends = [rng.choice(NAMES[language]), rng.choice(NAMES[language])]
        odd = rng.choice(((0,), (1,), (0, 1)))
        for end in odd:
            ends[end] = _mention(kind, ends[end], language, rng)
        made.append((kind, (ends[0], rng.choice(RELATIONS[language]), ends[1])))
    return made


def _mention(kind: str, name: str, language: str, rng: random.Random) -> str:
    other, third = (rng.choice(NAMES[language]) for _ in range(2))
    unit = rng.choice(UNITS[language])
    n = rng.randrange(1_000, 9_999_999)
    options = {
        "plain": (name,),
        "commas": (f"{name},{other}", f"{name}，{other}", f"{name}, {other}，{third}", f",{name}", f"{name}，"),
        "brackets": (f"{name}({other})", f"({other}){name}", f"({name})", f"{name}({other},{third})", f"{name}()"),
        "full-width brackets": (f"{name}（{other}）", f"（{other}）{name}", f"（{name}，{other}）",
                                f"{name}（{other})"),
        "nested brackets": (f"{name}({other}({third}))", f"（{name}（{other}）（{third}，甲））", f"(({name}))",
                            f"(({name},{other}),({third},a,b))"),
        "unbalanced brackets": (f"{name}(", f"{name})", f"){name}(", f"（{name}", f"{name}）,({other}", f"(({name})"),
        "quotes": (f'"{name}"', f"'{name}'", f'{name} "{other}"', f"{name}'s {other}", f'"{name}', f"'{name}, {other}'",
                   f'{name}","{other}', f"{name}'"),
        "curly quotes": (f"“{name}”", f"“{name}", f"{name}”，“{other}”", f"「{name}」", f"『{name}，{other}』",
                         f"‘{name}’s"),
        "numbers": (f"{n:,}{unit}", f"{n:,}".replace(",", "，") + unit, f"{n:,}.{rng.randrange(10, 99)}{unit}",
                    f"{name}{n:,}{unit}", f"{n:,},{n:,}", f"({n:,})", f"1,{n:,}"),
        "full-width signs": (f"{name}：{other}；{third}", f"{name}、{other}。", f"【{name}】", f"{name}＃１，２３４",
                             f"｛{name}｝", f"\u3000{name}", f"{name}＂{other}＂"),
        "escapes": (f"{name}\\", f"\\{name}", f"{name}\\n{other}", f'{name}\\"{other}', f"C:\\{name}\\new",
                    f"\\\\{name},", f"{name}\\'s, a"),
        "line breaks": (f"{name}\n{other}", f"{name}\r\n{other}", f"\n{name}", f"{name}\t{other}", f"{name}\n",
                        f"{name}\u2028{other}", f"{name},\n({other}"),
        "words of a layout": tuple(f"{name}{word}{other}" for word in _LAYOUT_WORDS) + _LAYOUT_WORDS,
    }[kind]
    return rng.choice(options)
