"""Whether the sound comes with its content in writing, and whether that states how and by whom it was made."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._record import finding, flag, moment
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar
from transcripts.normalise import han

NOT_EVIDENCE = "The case record says that the recording is not used as evidence."
STATED = "The transcript states how it was made ({method}), when ({made_at}), by whom ({made_by}) and what it proves."
UNSTATED = "The transcript {path} does not state: {fields}."
CONFIRMED = "A person confirmed the transcript {path} of what is said."
DRAFT = "The transcript {path} of what is said is a draft that nobody confirmed."
MISSING = (
    "Somebody speaks in the recording ({syllables} characters were understood), and no transcript of it was found."
)
OF_ANOTHER = (
    "Somebody speaks in the recording ({syllables} characters were understood). The transcript {path} was made from "
    "another file, as its SHA-256 says ({other}), so that none of this one was found."
)


@detector(
    "transcript-file",
    version=1,
    needs=("transcript.status", "file.sha256", "case.value"),
    emits=(
        "making-stated",
        "making-unstated",
        "transcript-confirmed",
        "transcript-draft",
        "transcript-missing",
        "not-evidence",
    ),
)
def transcript_file(features: Features, *, least_syllables: int = 10) -> Iterator[Finding]:
    """Yield what there is in writing of what is said, and whether it states what it must.

    A transcript that was made from another file, by its SHA-256, is none of this clip. That one is missing is a
    violation only where the case record says that the recording is used as evidence, and words were understood in it;
    nothing is missing where nobody was heard to speak.

    Parameters
    ----------
    least_syllables : int
        Characters that must have been understood before somebody counts as speaking.

    References
    ----------
    莱西市水行政执法全过程记录制度第二十七条: electronic records state method, time, maker and what they are to prove;
    sound comes with its content in writing.
    """
    evidence = flag(features, "evidence")
    if evidence is False:
        yield finding(features, "not-evidence", Level.NOTE, NOT_EVIDENCE)
        return
    table = features["transcript"]
    row: dict[str, str] = {name: str(table[name][0] or "") for name in table} if table.rows else {}
    own = next((str(one) for one in features["file"]["sha256"] if one), "")
    if row and row["sha256"] and row["sha256"] == own:
        yield from _present(features, row)
        return
    spoken = _syllables(features)
    if spoken >= least_syllables:
        level = Level.VIOLATION if evidence else Level.SUSPECT
        values: dict[str, Scalar] = {"syllables": spoken}
        if row:
            values |= {"path": row["path"], "other": row["sha256"]}
        yield finding(features, "transcript-missing", level, OF_ANOTHER if row else MISSING, values, syllables=spoken)


def _present(features: Features, row: dict[str, str]) -> Iterator[Finding]:
    asked = ("method", "made_at", "made_by", "proves")
    lacking = tuple(name for name in asked if not row[name].strip() or (name == "made_at" and not moment(row[name])))
    if lacking:
        values = {"path": row["path"], "fields": ", ".join(lacking)}
        yield finding(features, "making-unstated", Level.VIOLATION, UNSTATED, values, lacking=lacking)
    else:
        facts = {name: row[name] for name in asked}
        yield finding(features, "making-stated", Level.NOTE, STATED, facts, **facts)
    values = {"path": row["path"]}
    if row["status"] == "confirmed":
        yield finding(features, "transcript-confirmed", Level.NOTE, CONFIRMED, values, **values)
    else:
        yield finding(features, "transcript-draft", Level.SUSPECT, DRAFT, values, **values)


def _syllables(features: Features) -> int:
    """Return how many characters were understood where somebody speaks; 0 if nobody listened."""
    if not (features.has("voice.start_s") and features.has("words.text")):
        return 0
    return len(han("".join(text or "" for text in features["words"]["text"]))) if features["voice"].rows else 0
