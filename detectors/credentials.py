"""Whether credentials of enforcement were shown: read in the picture, or noted in the written record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detectors._place_signs import picture_span
from detectors._record import codes, finding, flag
from pipeline.case import PHASES
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Table
from pipeline.signs.naming import plain

SHOWN = "A credential of enforcement is read in the picture at {time_s:.1f} s: {words}."
NOTED = "The case record says that the written record notes that credentials were shown."

_TITLE = re.compile(
    r".{0,16}(?:行政执法证件?|行政执法资格证|执法监督证|综合执法证|监察执法证|安全监察证|渔政检查证|执法证件?)"
    r"|administrativelawenforcement(?:china)?"
)
_FIELDS = {
    "number": re.compile(r"(?:执法|证件|证书)?(?:证号|号码|编号|证件号|no)(?=.*\d{4})[a-z0-9-]{4,}.*"),
    "name": re.compile(r"姓名.{0,5}"),
    "unit": re.compile(r"(?:所在|工作)?(?:单位|执法机关|执法主体)(?!.*(?:被|名称)).{0,20}"),
    "post": re.compile(r"(?:职务|职级).{0,8}"),
    "field": re.compile(r"执法(?:类别|种类|类型|领域|范围|区域|地域).{0,16}"),
    "issuer": re.compile(r"(?:发证|颁证|制发)(?:机关|单位|日期).{0,20}"),
    "maker": re.compile(r".{2,12}监制"),
    "until": re.compile(r"有效(?:期限?|日期)(?:至)?.{0,24}"),
}
"""Lines of a credential by what they give, in the form of `pipeline.signs.naming.plain`."""
_OTHER_PAPER = re.compile(
    "笔录|记录|告知|决定书|通知书|文书|清单|当事人|被检查|被询问|询问人|检查人|签名|签字|公示|公告|一览表|执照|许可证"
)
"""What stands on papers and boards that speak of credentials, and on none."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    top: float
    bottom: float


@detector("credentials", version=1, needs=("case.value",), emits=("credentials-shown", "credentials-noted"))
def credentials(
    features: Features, *, min_confidence: float = 0.8, least_fields: int = 2, reach_lines: float = 12.0
) -> Iterator[Finding]:
    """Yield whether a credential is read in the picture, and whether the written record notes that one was shown.

    A credential is taken for one only where a line that is its title (行政执法证 and the like) and nothing more stands
    in one picture with lines of other kinds that credentials have: number, name, unit, post, field,
    issuer, maker, period.
    Minutes, notices and boards that name credentials are left out by the words that only they have.

    Parameters
    ----------
    min_confidence : float
        Confidence of the reader, 0 to 1, below which a line was not read.
    least_fields : int
        Kinds of line besides the title that must stand in the same picture.
    reach_lines : float
        How far from the title they may stand, in heights of its box.

    Yields
    ------
    Finding
        At most one for the picture, the first that shows a credential, and one for the written record. The evidence
        of the first gives as `phases` those that the clip shows, none where the case record does not state them: then
        nobody knows in which phase it was shown, and no rule about phases rests on it.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（二）: credentials must be shown where law asks for it.
    行政执法全过程记录办法（长治市住房城乡建设局）第十三条: the minutes note it. 行政处罚法 (2021) 第五十五条: officers
    show them of their own accord. What a credential gives: 司法部办公厅《关于做好全国统一行政执法证件标准样式实施工作的
    通知》(司办通〔2020〕78号), and the provinces' own patterns before it.
    """
    if flag(features, "notes.credentials"):
        yield finding(features, "credentials-noted", Level.NOTE, NOTED)
    if not features.has("texts.text"):
        return
    texts = features["texts"]
    texts = texts.where((texts["confidence"] >= min_confidence) & ~texts["overlay"].astype(bool))
    phases = codes(features, "phases_recorded", PHASES) or ()
    for frame in np.unique(texts["frame"]):
        rows = texts.where(texts["frame"] == frame)
        words = _credential(_read(rows), least_fields, reach_lines)
        if words:
            time_s = float(rows["time_s"][0])
            yield Finding(
                "credentials-shown",
                Level.NOTE,
                picture_span(features, time_s, int(frame)),
                Message(SHOWN, {"time_s": time_s, "words": " · ".join(words)}),
                evidence={"lines": words, "phases": phases},
            )
            return


def _read(rows: Table) -> list[_Line]:
    return [
        _Line(str(text), float(top), float(bottom))
        for text, top, bottom in zip(rows["text"], rows["top"], rows["bottom"], strict=True)
        if text
    ]


def _credential(lines: Sequence[_Line], least_fields: int, reach_lines: float) -> tuple[str, ...]:
    """Return the lines of a picture that make up a credential, its title first; empty if there is none."""
    if any(_OTHER_PAPER.search(plain(line.text)) for line in lines):
        return ()
    for title in lines:
        if not _TITLE.fullmatch(plain(title.text)):
            continue
        reach = reach_lines * (title.bottom - title.top)
        found: dict[str, str] = {}
        for line in lines:
            near = line.top - title.bottom <= reach and title.top - line.bottom <= reach
            kind = next((kind for kind, pattern in _FIELDS.items() if pattern.fullmatch(plain(line.text))), None)
            if line is not title and near and kind is not None:
                found.setdefault(kind, line.text)
        if len(found) >= least_fields:
            return (title.text, *found.values())
    return ()
