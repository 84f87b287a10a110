"""Whether file name, subtitles or title say where the footage was taken and what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from rapidfuzz import fuzz

from detectors._named import matter_parts
from detectors._phases import PHASE_WORDS
from detectors._record import codes, finding, first, stated
from pipeline.case import PHASES
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level
from pipeline.signs.matching import match_score
from pipeline.signs.naming import plain

FOUND = 'The place is described by "{place}" and the content by "{content}".'
NO_CONTENT = (
    'The place is described by "{place}"; neither file name nor subtitles nor title tell the content ({wanted}).'
)
NO_PLACE = (
    'The content is described by "{content}"; neither file name nor subtitles nor title tell the place ({wanted}).'
)
NEITHER = "File name ({file}), subtitles and title tell neither the place ({place}) nor the content ({content})."
NOT_SORTED = (
    "File name ({file}) and subtitles tell neither the place ({place}) nor the content ({content}). The case record "
    "does not say that the recording was sorted, nor by what title."
)
OTHER_WORDS = (
    "File name ({file}), subtitles and title name neither the place ({place}) nor the content ({content}) as the case "
    "record does; whether they do in other words a person must see."
)

_HAN = re.compile(r"[㐀-鿿]")
_LONGEST = 60
"""Characters of a description that a message quotes."""


@detector(
    "description",
    version=1,
    needs=("file.name", "file.subtitles", "case.value"),
    emits=("description-found", "description-partial", "description-missing"),
)
def description(features: Features, *, min_score: float = 90.0, least_han: int = 4) -> Iterator[Finding]:
    """Yield whether file name, subtitles and title together describe the place and the main content.

    The place is described by one of its names or aliases in the case record, as names are held against signs
    (`pipeline/signs/matching.py`), the content by the matter or, in file name and title, by the word for a phase that
    this clip shows: subtitles of what was said may hold such a word anywhere. That neither is described is a violation
    only where the case record gives the title or says that the recording was sorted. Nothing is told where the case
    record states no place, or neither a matter nor a phase.

    Parameters
    ----------
    min_score : float
        Likeness, 0 to 100, from which a text gives a name or the matter.
    least_han : int
        Han characters in file name, subtitles and title from which they may describe place and content in other words
        than the case record, so that a person must look.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十七条: 以文件名或字幕等方式对影像资料反映的具体场所、主要内容
    进行描述.
    """
    names = [*stated(features, "place.names"), *stated(features, "place.aliases")]
    cause = first(features, "cause")
    shown = codes(features, "phases_recorded", PHASES) or ()
    if not stated(features, "place.names") or not (cause or shown):
        return
    name = next((str(name) for name in features["file"]["name"] if name), "")
    titles = [PurePath(name).stem, *stated(features, "title")]
    subtitles = [line for text in features["file"]["subtitles"] for line in str(text or "").splitlines()]
    texts = [text for text in (*titles, *subtitles) if text.strip()]
    place = next((text for text in texts if _names(text, names, min_score)), None)
    matter = next((text for text in texts if _matter(text, cause, min_score)), None)
    content = matter or next((text for text in titles if _phase(text, names, shown)), None)
    wanted_content = "、".join([*([cause] if cause else []), *(PHASE_WORDS[phase][0] for phase in shown)])
    if place and content:
        values = {"place": _short(place), "content": _short(content)}
        yield finding(features, "description-found", Level.NOTE, FOUND, values, **values)
    elif place:
        values = {"place": _short(place), "wanted": wanted_content}
        yield finding(features, "description-partial", Level.SUSPECT, NO_CONTENT, values, **values)
    elif content:
        values = {"content": _short(content), "wanted": names[0]}
        yield finding(features, "description-partial", Level.SUSPECT, NO_PLACE, values, **values)
    else:
        other = sum(len(_HAN.findall(text)) for text in texts) >= least_han
        level, said = (Level.SUSPECT, OTHER_WORDS) if other else (Level.VIOLATION, NEITHER)
        if not (stated(features, "title") or stated(features, "store.sorted_at")):
            level, said = Level.SUSPECT, NOT_SORTED
        values = {"file": name, "place": names[0], "content": wanted_content}
        yield finding(features, "description-missing", level, said, values, **values)


def _names(text: str, names: Sequence[str], min_score: float) -> bool:
    """Tell whether a text names the place; a typed name may also stand in it as it is, however short."""
    read = plain(text)
    whole = any(len(plain(name)) > 1 and plain(name) in read for name in names)
    return whole or match_score(text, names)[0] >= min_score


def _matter(text: str, cause: str | None, min_score: float) -> bool:
    """Tell whether a text gives the matter with all its parts."""
    if cause is None:
        return False
    read = plain(text)
    parts = [plain(part) for part in matter_parts(cause) or (cause,)]
    return all(part and len(read) >= len(part) and fuzz.partial_ratio(part, read) >= min_score for part in parts)


def _phase(text: str, names: Sequence[str], shown: Sequence[str]) -> bool:
    """Tell whether a text has, besides the names of the place, a word for one of the phases."""
    read = plain(text)
    for name in filter(None, map(plain, names)):
        read = read.replace(name, " ")
    return any(plain(word) in read for phase in shown for word in PHASE_WORDS[phase])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
