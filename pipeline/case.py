"""The case record of a clip: what the investigators say the footage should show, from a TOML file beside it.

Precedence, most exact first: `<clip>.mp4.case.toml`, `<clip>.case.toml`, `case.toml` in the clip's folder. One file is
read, never a mixture: an entry that is missing in the nearer file is not looked up in the other.
"""

from __future__ import annotations

import difflib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from pipeline.errors import SettingsError
from pipeline.settings import read_toml

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

MAX_PHOTO_MEGAPIXELS = 120
"""Larger ones are refused: a small file can unfold to more memory than a machine has."""


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case record as it was read."""

    path: Path
    values: tuple[tuple[str, str], ...]
    """Name of the field and value in the order of `FIELDS`; a list gives a pair for each entry."""

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return tuple(value for field, value in self.values if field == name)

    def photos(self) -> tuple[tuple[str, Path], ...]:
        """Return the reference photos of the place: each as the record names it, and where it lies."""
        return tuple((name, self.path.parent / name) for name in self.all("place.photos"))


def case_file(clip: Path) -> Path | None:
    """Return the file that holds the case record of `clip`, None if there is none; see the module for precedence."""
    beside = (clip.with_name(f"{clip.name}.case.toml"), clip.with_suffix(".case.toml"), clip.with_name("case.toml"))
    return next((path for path in beside if path.is_file()), None)


def read_case(path: Path) -> CaseRecord:
    """Read a case record.

    Raises
    ------
    SettingsError
        If the file cannot be read, holds an entry that does not exist, or a value that is empty or of the wrong type,
        or names a photo that is none; the text names file, line and entry.
    """
    document = read_toml(path)
    known = {field.name: field for field in FIELDS}
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _flat(document):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise SettingsError(f"{_place(path, name)}: unknown entry {name}.{hint} Known: {', '.join(known)}")
        found[name] = _checked(known[name], value, path)
    record = CaseRecord(path, tuple((field.name, value) for field in FIELDS for value in found.get(field.name, ())))
    for name, photo in record.photos():
        if problem := _photo_problem(photo):
            raise SettingsError(f"{_place(path, 'place.photos')}: the photo {name} {problem}")
    return record


def case_of(clip: Path) -> CaseRecord | None:
    """Return the case record of `clip`, None if there is none.

    Raises
    ------
    SettingsError
        As `read_case`.
    """
    path = case_file(clip)
    return read_case(path) if path else None


def case_table(record: CaseRecord | None) -> pa.Table | None:
    """Return the rows of the `case` table (field, value); None, so that the table is absent, without a record."""
    if record is None:
        return None
    names, values = [name for name, _ in record.values], [value for _, value in record.values]
    sources = [str(record.path)] * len(names)
    columns = {"field": names, "value": values, "source": sources}
    return pa.table({name: pa.array(rows, pa.string()) for name, rows in columns.items()})


def _flat(document: dict[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in document.items():
        if isinstance(value, dict):
            rows.extend((f"{key}.{name}", entry) for name, entry in value.items())
        else:
            rows.append((key, value))
    return rows


def _checked(field: Field, value: Any, path: Path) -> tuple[str, ...]:
    wanted = "a text" if field.form == "text" else "a list of texts"
    values = [value] if field.form == "text" else value
    if not isinstance(values, list) or not all(isinstance(entry, str) for entry in values):
        raise SettingsError(f"{_place(path, field.name)}: {field.name} must be {wanted}, not {value!r}")
    if not all(entry.strip() for entry in values):
        raise SettingsError(
            f"{_place(path, field.name)}: {field.name} holds an empty text; leave the entry out instead"
        )
    return tuple(entry.strip() for entry in values)


def _photo_problem(photo: Path) -> str | None:
    """Return why a file cannot serve as a reference photo, None if it can; its pixels are not decoded."""
    if not photo.is_file():
        return f"is no file ({photo})"
    from PIL import Image  # takes a moment to load, and most case records name no photo

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(photo) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        return f"has more than {MAX_PHOTO_MEGAPIXELS} megapixels. Make it smaller."
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for a file that is no picture
        return "is no picture that can be read. Save it as JPEG or PNG."
    if width * height > MAX_PHOTO_MEGAPIXELS * 1_000_000:
        return f"has more than {MAX_PHOTO_MEGAPIXELS} megapixels. Make it smaller."
    return None


def _place(path: Path, name: str) -> str:
    """Return file and, where the entry is found as `key = …` below its `[section]`, its line."""
    section, _, key = name.rpartition(".")
    current = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            current = header[1]
        elif current == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
            return f"{path}, line {number}"
    return str(path)
