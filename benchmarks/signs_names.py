"""Names of enterprises that do not exist, as hard to tell from real ones as names are: same region, trade and tail."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pipeline.signs.naming import core, own_part, plain

REGIONS = (
    "石家庄市",
    "石家庄市长安区",
    "石家庄市裕华区",
    "河北省",
    "河北",
    "石家庄",
    "石家庄市无极县",
    "石家庄市鹿泉区",
)
OWN = "金鑫宏达永兴顺发盛世安泰恒通瑞丰万德胜润海川嘉禾正隆昌福临东方新民利群康乐旭日长青源博诚信远航冠英腾飞龙祥云"
"""Characters that enterprises like to choose."""
TRADES = (
    "化工|机械制造|建材|五金|机电设备|烟花爆竹|木业|食品|物流|印刷|汽车修理|装饰工程|商贸|矿业|纺织|塑料制品|医药|粮油|家具|"
    "电子科技|环保科技|加油站|餐饮|劳保用品|危险化学品经营|气体|橡胶|铸造|钢结构|物业管理"
).split("|")
TAILS = ("有限公司", "有限责任公司", "厂", "经营部", "门市部", "商行", "中心", "店", "大酒店", "超市", "幼儿园", "")


def invented(count: int, seed: str) -> list[str]:
    """Return different invented names: region, what the enterprise chose, trade, tail."""
    chance = random.Random(f"names {seed}")
    found: dict[str, None] = {}
    while len(found) < count:
        own = "".join(chance.sample(OWN, chance.choice((2, 2, 2, 3, 4))))
        found[chance.choice(REGIONS) + own + chance.choice(TRADES) + chance.choice(TAILS)] = None
    return list(found)


def siblings(name: str, count: int, seed: str) -> list[str]:
    """Return names that differ from one in the characters that the enterprise chose, half of these kept or none.

    Region, trade and tail stay; of a name that is nothing but such characters, so does every second one. Figures become
    others.
    """
    chance = random.Random(f"siblings {seed} {name}")
    found: dict[str, None] = {}
    for _ in range(50 * count):
        if len(found) == count:
            break
        other = _sibling(plain(name), chance)
        if core(other) != core(name):
            found[other] = None
    return list(found)


def _sibling(name: str, chance: random.Random) -> str:
    wanted = core(name)
    at = name.index(wanted)
    own = own_part(name)
    if own == wanted[: len(own)] and len(own) < len(wanted) and chance.random() < 0.7:
        changed = "".join(_changed(own, chance)) + wanted[len(own) :]
    else:
        changed = "".join(_changed(wanted, chance))
    return name[:at] + changed + name[at + len(wanted) :]


def _changed(letters: str, chance: random.Random) -> Iterator[str]:
    """Yield the letters with at least half of them replaced; figures are replaced by figures."""
    fewest = max(1, (len(letters) + 1) // 2)
    places = set(chance.sample(range(len(letters)), chance.randint(fewest, len(letters))))
    for place, letter in enumerate(letters):
        if place not in places:
            yield letter
        elif letter.isdigit():
            yield chance.choice("123456789".replace(letter, ""))
        else:
            yield chance.choice(OWN.replace(letter, ""))
