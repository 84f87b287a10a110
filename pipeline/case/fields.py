"""What a case record may say: every field with its form, its Chinese name and its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Form = Literal["text", "texts", "code", "codes", "flag", "time", "date"]

PHASES: tuple[str, ...] = (
    "introduction",
    "inspection",
    "feedback",
    "rights",
    "questioning",
    "site-survey",
    "signing",
    "on-site-measures",
    "originals",
    "sampling",
    "simple-procedure",
    "leave-service",
    "notice-service",
    "re-inspection",
    "other",
    "hearing",
    "preservation",
    "seizure",
    "coercive-measure",
    "forced-restoration",
    "forced-execution",
    "disposal",
    "reception",
    "investigation",
    "service",
    "grave-interests",
    "disputed",
    "interview",
    "reconsideration-hearing",
    "fixed-camera",
)
"""Phases of an enforcement that regulations ask to be recorded; `none` states that there are none."""

EXEMPTIONS = ("none", "explosive-area", "secrecy", "unsuited", "conditions")
"""Reasons for not recording: Article 8 of Shijiazhuang and the county, 8 of Panjin, 11 of Nandagang."""

CIRCUMSTANCES = (
    "none",
    "coercive-measure",
    "objection",
    "complaint",
    "petition",
    "evasion",
    "refusal",
    "obstruction",
    "abuse",
    "insult",
    "assault",
    "mass-incident",
    "emergency",
    "other",
)
"""Circumstances that ask for long keeping; `none` states that there are none, which silence does not."""

SECRECIES = ("none", "state", "business", "technical", "military", "privacy")


@dataclass(frozen=True, slots=True)
class Field:
    """One entry that a case record may hold."""

    name: str
    """As in the `case` table: `section.key`, or `key` alone at the top of the file."""
    form: Form
    heading: str
    """Its name in Chinese, which tables may use as heading."""
    meaning: str
    codes: tuple[str, ...] = ()
    """Values of the forms code and codes."""


FIELDS: tuple[Field, ...] = (
    Field("case_number", "text", "案件编号", "number of the case; it links the clips of one case"),
    Field("clips", "texts", "录像文件", "file names of all clips of the case, this one among them"),
    Field("cause", "text", "案由", "matter of the enforcement (案由、执法事项)"),
    Field("parties", "texts", "当事人", "parties and others who are recorded"),
    Field("officers", "texts", "执法人员", "names or numbers of the officers"),
    Field("timezone", "text", "时区", "zone of times that give none, as in the IANA list; Asia/Shanghai if left out"),
    Field("recorded_at", "time", "开始摄录时间", "when the recording began"),
    Field("pauses", "texts", "中断说明", "interruptions and why: START/END reason, both ISO 8601"),
    Field("phases_due", "codes", "应记录环节", "phases that the case has, all clips together", ("none", *PHASES)),
    Field("phases_recorded", "codes", "已记录环节", "phases that this clip shows", ("none", *PHASES)),
    Field("returned_at", "time", "返回单位时间", "return to the unit after this stage of the enforcement"),
    Field("late_reason", "text", "逾期上传原因", "special circumstances of a late upload"),
    Field("closed_on", "date", "结案日期", "case closed"),
    Field("ended_on", "date", "行为终结日期", "act of enforcement ended"),
    Field("executed_on", "date", "执行终结日期", "its execution ended"),
    Field("archived_on", "date", "归档日期", "case file archived"),
    Field("evidence", "flag", "作为证据", "used as evidence"),
    Field("flags", "codes", "长期保存情形", "circumstances that ask for long keeping", CIRCUMSTANCES),
    Field("secrecy", "codes", "涉密", "secrets that the recording touches", SECRECIES),
    Field(
        "transcript",
        "text",
        "文字记录文件",
        "transcript (JSON of `unbroken transcribe`): beside this record, or full path",
    ),
    Field("title", "text", "影像名称", "what the store's catalogue calls the clip: place and main content"),
    Field("place.names", "texts", "场所名称", "names that a sign of the place may show, the official one first"),
    Field("place.aliases", "texts", "场所别名", "other names of the place: short forms, brands, former names"),
    Field("place.address", "text", "场所地址", "address in words"),
    Field("place.door_number", "text", "门牌号", "door or house number as the plate shows it"),
    Field(
        "place.photos",
        "texts",
        "标志照片",
        "pictures of landmarks at the place: files beside the case record, or full paths",
    ),
    Field("agency.name", "text", "执法机关", "agency that enforces"),
    Field("unit.name", "text", "执法单位", "unit of the agency"),
    Field("unit.number", "text", "单位编号", "number of the unit"),
    Field("device.id", "text", "设备编号", "serial number of the recorder"),
    Field("notes.credentials", "flag", "记录载明出示证件", "the written record notes that credentials were shown"),
    Field("exemption.code", "code", "免录情形", "why something was not recorded", EXEMPTIONS),
    Field("exemption.phases", "codes", "免录环节", "phases that were not recorded; left out: all", PHASES),
    Field("exemption.reason", "text", "免录原因", "why, in words"),
    Field("exemption.approved_by", "text", "免录批准人", "who approved it"),
    Field("archive.volume", "text", "纸质案卷号", "number of the volume on paper; as the label of the medium names it"),
    Field("archive.medium", "text", "载体编号", "number of the medium; as the volume on paper names it"),
    Field("archive.long_term", "text", "长期保存载体", "disc or drive that keeps it for long"),
    Field("archive.keep_until", "date", "案卷保存至", "until when the case file is kept"),
    Field("store.uploaded_at", "time", "上传时间", "when the store took the clip in"),
    Field("store.sorted_at", "time", "整理时间", "when it was sorted"),
    Field("store.sha256", "text", "上传时散列值", "SHA-256 of the file at its upload, from the manifest"),
    Field("store.access", "code", "访问级别", "who may see it in the store", ("open", "restricted")),
    Field("store.dispose_on", "date", "拟处置日期", "day on which it is, or was, to be disposed of"),
    Field(
        "access.by", "texts", "查阅人", "who opened or copied it, as the access log says; none states that nobody did"
    ),
    Field("access.allowed", "texts", "有权查阅人", "who may open or copy it"),
    Field("copies.given_to", "texts", "复制给", "for whom it was copied or shown; none states that nobody asked"),
    Field("copies.approved_by", "texts", "复制批准人", "who approved that: one for all, or one for each"),
)
"""Everything a case record may say; a new entry is a new line here."""

BY_NAME = {field.name: field for field in FIELDS}


def unit_of(name: str) -> str:
    """Return what is replaced as a whole where records are merged: the section of a field, or the field itself."""
    return name.partition(".")[0]
