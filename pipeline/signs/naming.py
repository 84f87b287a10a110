"""What of a name tells one place from another: script, region, legal form, generic tail and numbers taken apart."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import opencc

PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|内蒙古|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|广西|海南|四川|"
    "贵州|云南|西藏|陕西|甘肃|青海|宁夏|新疆|香港|澳门|台湾|中国|中华人民共和国"
)
"""Province-level names, which signs often write without 省 or 市."""

_REGION = re.compile(
    rf"^(?:(?:{PROVINCES})(?:省|市|自治区|特别行政区|壮族自治区|回族自治区|维吾尔自治区)?"
    r"|[一-鿿]{2,6}?(?:自治州|自治县|(?<!超)(?<!城)(?<!夜)市|县|(?<![小园社景校厂院开发])区|镇|乡|街道))"
)
"""One region at the start of a name; 超市, 小区, 园区 and their like are no regions."""

_LEGAL_FORM = re.compile(
    r"(?:股份有限责任公司|股份有限公司|有限责任公司|有限公司|集团公司|总公司|分公司|公司|集团|个体工商户|专业合作社|合作社)$"
)
_GENERIC_TAIL = re.compile(
    r"(?:大酒店|酒店|宾馆|大饭店|饭店|餐厅|餐馆|小馆|菜馆|酒楼|食府|超市|便利店|商店|商场|商行|商贸|门市部|经营部|服务部|"
    r"营业部|营业厅|专卖店|旗舰店|药店|大药房|药房|诊所|卫生室|卫生院|医院|幼儿园|学校|小学|中学|大学|学院|银行|分行|支行|"
    r"加油站|加气站|公寓|花园|小区|大厦|广场|市场|中心|网吧|网咖|工厂|总厂|分厂|厂|总店|分店|店|连锁)$"
)
_TRADES = (
    "农业|林业|牧业|渔业|养殖|种植|粮油|粮食|食品|饮料|酒业|茶业|烟草|肉类|乳业|水产|饲料|农资|农机|种业|纺织|服装|服饰|制衣|鞋业|"
    "皮革|木业|木材|家具|家居|家私|造纸|纸业|包装|印刷|印务|彩印|文具|文化|传媒|广告|教育|艺术|培训|体育|健身|化工|化学|化肥|石化|"
    "石油|燃气|天然气|液化气|煤业|煤炭|焦化|涂料|油漆|橡胶|塑料|塑胶|塑业|玻璃|陶瓷|水泥|建材|石材|砖瓦|混凝土|矿业|采矿|选矿|"
    "钢铁|金属|钢结构|铸造|锻造|冶金|冶炼|铝业|铜业|五金|工具|阀门|管业|管道|机械|机电|机床|设备|重工|装备|仪表|仪器|轴承|"
    "模具|电子|电器|电气|电力|电缆|电线|电池|照明|光电|通信|通讯|网络|软件|信息|科技|技术|汽车|汽配|汽修|修理|维修|配件|轮胎|"
    "摩托车|电动车|船舶|航空|运输|物流|快递|货运|客运|仓储|出租|租赁|建筑|建设|工程|装饰|装修|安装|门窗|幕墙|房地产|地产|"
    "置业|物业|园林|环保|水务|供水|供热|热力|消防|安防|保安|保洁|家政|贸易|商贸|工贸|外贸|进出口|实业|产业|国际|投资|担保|典当|保险|"
    "金融|证券|百货|日用品|日化|化妆品|美容|美发|理发|洗浴|浴池|足疗|医药|药业|医疗|器械|生物|制药|眼镜|口腔|眼科|烟花|爆竹|鞭炮|"
    "烟酒|副食|水果|蔬菜|生鲜|火锅|烧烤|面馆|快餐|餐饮|小吃|早餐|面包|蛋糕|茶楼|咖啡|娱乐|影城|旅馆|旅社|招待所|旅游|旅行社|洗车|"
    "加油|加气|充电|回收|废品|再生|资源|制造|加工|生产|经营|销售|批发|零售|服务|管理|咨询|设计|检测|维护|连锁"
)
"""Words of trades, as names of enterprises have them behind what tells one from another (GB/T 4754 has the classes)."""

_TRADE = re.compile(_TRADES)
_TRADE_TAIL = re.compile(rf"(?:{_TRADES})+$")
_NUMBER = re.compile(r"\d+(?:-\d+)*")
_DOOR = re.compile(r"(\d+(?:-\d+)*)(?=号)")
_CHINESE_NUMBER = re.compile(
    r"(?<=第)[一二三四五六七八九十]{1,3}|[一二三四五六七八九十]{1,3}(?=号|弄|栋|幢|楼|单元|期|小|中|院|厂|分|店|队)"
)
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")}

MIN_CORE = 3
"""Characters that must be left before a shorter form of a name may stand for it."""
MIN_OWN = 4
"""Characters that must be left before a name without its trade may stand for it: two or three are those of many."""


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@cache
def plain(text: str) -> str:
    """Return a text as it is compared: NFKC, simplified, lower case, numbers in digits, letters and digits only.

    A hyphen between digits stays: 25-26号 is another door than 2526号.
    """
    text = _simplifier().convert(unicodedata.normalize("NFKC", text)).casefold()
    text = re.sub(r"(?<=\d)\s*[-–—~～至]\s*(?=\d)", "\x00", text)
    text = re.sub(r"[^\w\x00]|_", "", text).replace("\x00", "-")
    return _CHINESE_NUMBER.sub(lambda found: _in_digits(found[0]), text)


def _in_digits(number: str) -> str:
    tens, ten, ones = number.partition("十")
    if not ten:
        return "".join(str(_DIGITS[character]) for character in number)
    return str((_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0))


@cache
def core(name: str) -> str:
    """Return what is left of a name without region, legal form and generic tail, in the form of `plain`.

    石家庄市长安区某某化工有限公司 → 某某化工. Where fewer than three characters would be left, less is taken away:
    农业 says nothing, 农业银行 does. The trade is taken off, too, where four are left: 宏图伟业机电设备 → 宏图伟业.
    """
    return _trim(_with_trade(name), _TRADE_TAIL, MIN_OWN)


def _with_trade(name: str) -> str:
    left = _trim(plain(name), _LEGAL_FORM)
    for pattern in (_REGION, _REGION, _REGION, _GENERIC_TAIL):
        left = _trim(left, pattern)
    return left


@cache
def own_part(name: str) -> str:
    """Return the characters that the enterprise chose for itself: what stands before the first word of a trade.

    石家庄市长安区金星机械制造厂 → 金星. A name without such a word begins with them: 依佳人 → 依佳. Enterprises of one
    trade differ in these alone; two characters are the fewest.
    """
    left = _with_trade(name)
    trade = _TRADE.search(left, 2)
    return left[: trade.start()] if trade else left[:2]


def _trim(text: str, pattern: re.Pattern[str], fewest: int = MIN_CORE) -> str:
    shorter = pattern.sub("", text, count=1)
    return shorter if len(shorter) >= fewest else text


def numbers(text: str) -> frozenset[str]:
    """Return every number of a text in the form of `plain`; 25-26 is one."""
    return frozenset(_NUMBER.findall(text))


def door_numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text in the form of `plain` that 号 follows."""
    return frozenset(_DOOR.findall(text))
