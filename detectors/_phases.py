"""Phases of an enforcement and reasons for leaving them out, as the case record states them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from detectors._record import codes, first, stated
from pipeline.case import EXEMPTIONS, PHASES
from pipeline.model import Features

PHASE_WORDS: dict[str, tuple[str, ...]] = {
    "introduction": ("说明来意", "亮明身份", "表明身份", "介绍执法目的"),
    "inspection": ("现场检查", "执法检查", "监督检查", "检查"),
    "feedback": ("反馈意见", "通报检查情况", "交换意见"),
    "rights": ("告知权利义务", "权利告知", "告知权利"),
    "questioning": ("询问", "问话"),
    "site-survey": ("现场勘验", "勘验", "勘测", "勘查"),
    "signing": ("签字确认", "签字", "签名", "签署"),
    "on-site-measures": ("现场处理措施", "现场处理"),
    "originals": ("调取原始凭证", "原始凭证"),
    "sampling": ("抽样取证", "抽样", "采样"),
    "simple-procedure": ("简易程序", "当场处罚", "当场收缴罚款"),
    "leave-service": ("留置送达",),
    "notice-service": ("公告送达",),
    "re-inspection": ("复查", "整改复查"),
    "other": ("其他内容",),
    "hearing": ("听证",),
    "preservation": ("证据保全", "先行登记保存", "登记保存"),
    "seizure": ("查封扣押", "查封", "扣押"),
    "coercive-measure": ("行政强制措施", "强制措施"),
    "forced-restoration": ("排除妨碍、恢复原状", "恢复原状", "排除妨碍"),
    "forced-execution": ("行政强制执行", "强制执行"),
    "disposal": ("拍卖或依法处理财物", "拍卖"),
    "reception": ("受理请求", "受理"),
    "investigation": ("调查取证", "调查"),
    "service": ("送达",),
    "grave-interests": ("涉及重大权益的执法",),
    "disputed": ("容易产生争议的执法事项",),
    "interview": ("约谈", "稽查询问"),
    "reconsideration-hearing": ("行政复议听证", "复议听证"),
    "fixed-camera": ("固定监控记录",),
}
"""What Chinese calls each phase: first its name, then other words for it."""


def _known(code: str) -> str:
    if code not in EXEMPTIONS:
        raise ValueError(f"unknown code {code!r}. Known: {', '.join(EXEMPTIONS)}")
    return code


Exemption = Annotated[str, AfterValidator(_known)]


@dataclass(frozen=True, slots=True)
class Claim:
    """A reason for leaving something out, as the case record claims it."""

    code: str
    """One of `EXEMPTIONS`, never none."""
    covered: tuple[str, ...]
    """Phases that it is claimed for."""
    reason: str | None
    approved_by: str | None

    @property
    def lacking(self) -> tuple[str, ...]:
        """Fields of the case record that ought to found it and are not stated."""
        fields = {"exemption.reason": self.reason, "exemption.approved_by": self.approved_by}
        return tuple(field for field, value in fields.items() if not value)


def claim_of(features: Features) -> Claim | None:
    """Return the exemption that the case record claims; None if it claims none, or states nothing."""
    code = codes(features, "exemption.code", EXEMPTIONS)
    if not code:
        return None
    covered = codes(features, "exemption.phases", PHASES) or ()
    if not stated(features, "exemption.phases"):
        covered = PHASES
    return Claim(code[0], covered, first(features, "exemption.reason"), first(features, "exemption.approved_by"))


def name_of(phase: str) -> str:
    """Return the Chinese name of a phase."""
    return PHASE_WORDS[phase][0]


def names_of(phases: tuple[str, ...]) -> str:
    """Return the Chinese names of phases as a list."""
    return "、".join(map(name_of, phases))
