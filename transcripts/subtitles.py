"""Transcripts as SubRip (SRT), WebVTT, JSON and plain text.

SRT and plain text are UTF-8 with a byte order mark and CRLF: without the mark, players and editors on Chinese Windows
take a file for GBK, and FFmpeg, VLC and mpv skip it. WebVTT and JSON are UTF-8 by definition and have neither.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.language import Language
from transcripts import wording
from transcripts.document import Document
from transcripts.lines import Line, Piece
from transcripts.weights import FASTER, OPENAI

UNCERTAIN = 0.5
"""Probability of a word below which it is marked in plain text and JSON."""
HEAD_S = 3.0
LEAST_HEAD_S = 1.0
"""Where speech begins sooner, place and content stand over the first line."""
LEAST_SHOWN_S = 1.0
"""A shorter line stays on the screen so long, if the next one lets it."""
SHORT_HASH = 16
"""Digits of the SHA-256 that stand in the first subtitle."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle."""

    start_ms: int
    stop_ms: int
    text: str


def cues(made: Document, spoken: Language) -> list[Cue]:
    """Return the subtitles: first place and content, then each line; they are in order and do not overlap."""
    end_ms = round(made.duration_s * 1000) or math.inf
    starts = [round(line.start_s * 1000) for line in made.lines]
    told = [shown(line, spoken) for line in made.lines]
    stops = []
    for number, line in enumerate(made.lines):
        latest = min(starts[number] + LEAST_SHOWN_S * 1000, *starts[number + 1 : number + 2], end_ms)
        stops.append(max(round(line.stop_s * 1000), int(latest)))
    head = "\n".join(head_lines(made, spoken))
    if starts and starts[0] < LEAST_HEAD_S * 1000:
        starts[0], told[0] = 0, f"{head}\n{told[0]}"
    else:
        if not made.lines:
            head += "\n" + spoken.text(wording.NO_SPEECH if made.has_sound else wording.NO_SOUND)
        starts.insert(0, 0)
        stops.insert(0, int(min(HEAD_S * 1000, *starts[1:2], end_ms)))
        told.insert(0, head)
    if not made.is_whole:
        starts.append(round(made.listened_s * 1000))
        stops.append(int(min(starts[-1] + HEAD_S * 1000, end_ms)))
        told.append(spoken.text(wording.NOT_FURTHER))
    found: list[Cue] = []
    for start, stop, text in zip(starts, stops, told, strict=True):
        begin = max(start, found[-1].stop_ms if found else 0)
        found.append(Cue(begin, max(stop, begin + 1), text))
    return found


def shown(line: Line, spoken: Language) -> str:
    """Return a line as it is shown."""
    return line.text or spoken.text(wording.UNHEARD)


def head_lines(made: Document, spoken: Language) -> list[str]:
    """Return the first subtitle: place, content, status and which recording it belongs to."""
    content = [
        _field(wording.CAUSE, made.cause, spoken),
        *(
            _field(label, _listed(values, spoken), spoken)
            for label, values in (
                (wording.PARTIES, made.parties),
                (wording.OFFICERS, made.officers),
                (wording.UNIT, made.unit),
            )
            if values
        ),
    ]
    return [
        _field(wording.PLACE, _listed(made.place, spoken), spoken),
        spoken.text(wording.SEPARATOR).join(content),
        f"{status(made, spoken)} · {wording.HASH} {made.footage.sha256[:SHORT_HASH]}",
    ]


def head(made: Document, spoken: Language) -> list[str]:
    """Return all that stands before a transcript, a field a line."""
    listened = spoken.text(wording.SPAN).format(listened=clock(made.listened_s), duration=clock(made.duration_s))
    fields = [
        (wording.FILE, _name(made)),
        (wording.HASH, made.footage.sha256),
        (wording.PLACE, _listed(made.place, spoken)),
        (wording.CAUSE, made.cause),
        (wording.PARTIES, _listed(made.parties, spoken)),
        (wording.OFFICERS, _listed(made.officers, spoken)),
        (wording.UNIT, _listed(made.unit, spoken)),
        (wording.PROVES, spoken.text(wording.WHAT_IT_PROVES).format(cause=made.cause) if made.cause else ""),
        (wording.STATUS, status(made, spoken)),
        (wording.MAKER, maker(made, spoken)),
        (wording.MADE_AT, made.making.at),
        (wording.METHOD, method(made, spoken)),
        (wording.LISTENED, listened),
        *((wording.NOT_EXAMINED, spoken.tell(gap)) for gap in made.gaps),
    ]
    return [_field(label, value, spoken) for label, value in fields]


def status(made: Document, spoken: Language) -> str:
    """Return whether a transcript is a draft or was confirmed, by whom and when."""
    if not made.making.confirmed_by:
        return spoken.text(wording.DRAFT)
    return spoken.text(wording.CONFIRMED).format(name=made.making.confirmed_by, time=made.making.at)


def maker(made: Document, spoken: Language) -> str:
    """Return who made a transcript (制作人)."""
    return made.making.by or spoken.text(wording.PROGRAM).format(version=made.making.versions["unbroken"])


def method(made: Document, spoken: Language) -> str:
    """Return how a transcript was made (制作方法)."""
    versions = made.making.versions
    engine = FASTER if FASTER in versions else OPENAI
    template = wording.BY_MACHINE_AND_HAND if made.changed else wording.BY_MACHINE
    return spoken.text(template).format(
        recogniser=f"{engine} {versions[engine]}",
        weights=versions["whisper-weights"],
        version=versions["unbroken"],
        count=made.changed,
    )


def srt(made: Document, spoken: Language) -> str:
    """Return a transcript as SubRip."""
    blocks = [
        f"{number}\n{_stamp(cue.start_ms, ',')} --> {_stamp(cue.stop_ms, ',')}\n{srt_text(cue.text)}\n"
        for number, cue in enumerate(cues(made, spoken), 1)
    ]
    return "\n".join(blocks)


def srt_text(text: str) -> str:
    """Return a text that no player takes for a tag; a blank line would end the subtitle."""
    return _without_blank_lines(text.translate(str.maketrans("<>{}", "＜＞｛｝")))


def vtt(made: Document, spoken: Language) -> str:
    """Return a transcript as WebVTT, with all that stands before it as a note."""
    note = _without_blank_lines("\n".join(head(made, spoken))).replace("-->", "→")
    blocks = [
        f"{_stamp(cue.start_ms, '.')} --> {_stamp(cue.stop_ms, '.')}\n{_vtt_text(cue.text)}\n"
        for cue in cues(made, spoken)
    ]
    return "\n".join(["WEBVTT\n", f"NOTE\n{note}\n", *blocks])


def _vtt_text(text: str) -> str:
    return _without_blank_lines(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def plain_text(made: Document, spoken: Language) -> str:
    """Return a transcript to be read and filed: words that were heard uncertainly are marked."""
    body = [f"[{clock(line.start_s)} – {clock(line.stop_s)}] {_marked(line, spoken)}" for line in made.lines]
    if not body:
        body = [spoken.text(wording.NO_SPEECH if made.has_sound else wording.NO_SOUND)]
    if not made.is_whole:
        body.append(f"[{clock(made.listened_s)} –] {spoken.text(wording.NOT_FURTHER)}")
    legend = _field(wording.LEGEND, spoken.text(wording.MARKS), spoken)
    return "\n".join([spoken.text(wording.TITLE), "", *head(made, spoken), legend, "", *body, ""])


def _marked(line: Line, spoken: Language) -> str:
    """Return a line with its uncertain words in brackets, neighbours together."""
    told = (f"{line.speaker}: " if line.speaker else "") + "".join(
        f"〔{piece.text}?〕" if _is_uncertain(piece) else piece.text for piece in line.pieces
    )
    return told.replace("?〕〔", "").replace("\n", " ") if line.pieces else shown(line, spoken)


def json_v1(made: Document, spoken: Language) -> str:
    """Return a transcript as JSON, format 1: sentences in the reader's language, all else as data."""
    making = made.making
    content = {
        "format": 1,
        "kind": "transcript",
        "clip": {"name": _name(made), "sha256": made.footage.sha256, "duration_s": _number(made.duration_s)},
        "status": "confirmed" if making.confirmed_by else "draft",
        "confirmed": {"by": making.confirmed_by, "at": making.at} if making.confirmed_by else None,
        "made": {
            "by": maker(made, spoken),
            "at": making.at,
            "method": method(made, spoken),
            "libraries": dict(making.versions),
        },
        "place": list(made.place),
        "content": {
            "cause": made.cause or None,
            "parties": list(made.parties),
            "officers": list(made.officers),
            "unit": list(made.unit),
        },
        "proves": spoken.text(wording.WHAT_IT_PROVES).format(cause=made.cause) if made.cause else None,
        "language": "zh-CN",
        "has_sound": made.has_sound,
        "listened_s": _number(made.listened_s),
        "not_examined": [spoken.tell(gap) for gap in made.gaps],
        "changed_lines": made.changed,
        "lines": [_json_line(made, line) for line in made.lines],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _json_line(made: Document, line: Line) -> dict[str, object]:
    words = made.words
    return {
        "start_s": _number(line.start_s),
        "stop_s": _number(line.stop_s),
        "text": line.text,
        "understood": bool(line.pieces),
        "by_hand": bool(line.pieces) and not line.words,
        "speaker": line.speaker,
        "uncertain": [piece.text for piece in line.pieces if _is_uncertain(piece)],
        "words": [
            {
                "start_s": _number(words["start_s"][row]),
                "stop_s": _number(words["stop_s"][row]),
                "text": words["text"][row],
                "probability": _number(words["probability"][row]),
            }
            for row in line.words
        ],
    }


WRITERS: dict[str, Callable[[Document, Language], str]] = {
    "srt": srt,
    "vtt": vtt,
    "json": json_v1,
    "txt": plain_text,
}
"""Ending of the file → what writes its text."""


def encoded(form: str, text: str) -> bytes:
    """Return the bytes of a file; see the module for why."""
    return text.replace("\n", "\r\n").encode("utf-8-sig") if form in {"srt", "txt"} else text.encode("utf-8")


def decoded(content: bytes, *, whole: bool = True) -> str:
    """Return the text of a file that `encoded` made, or that an editor saved since, on Chinese Windows often in GBK.

    Parameters
    ----------
    content : bytes
    whole : bool
        Whether these are all bytes of the file; else the last character may be cut in two.

    Raises
    ------
    ValueError
        If it is text in none of the encodings.
    """
    encodings = ["utf-16"] if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else []
    for encoding in (*encodings, "utf-8-sig", "gb18030"):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(content, final=whole)
        except UnicodeDecodeError:
            continue
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise ValueError("no text in UTF-8, UTF-16 or GB18030")


_CUE = re.compile(r"^(\d+):(\d\d):(\d\d)[,.](\d{1,3}) *--> *(\d+):(\d\d):(\d\d)[,.](\d{1,3}).*\n((?:.*\S.*\n?)*)", re.M)


def corrected_lines(text: str, made: Document, spoken: Sequence[Language]) -> list[Line]:
    """Read the lines of an SRT file that a person may have corrected.

    Parameters
    ----------
    text : str
        Content of the file, lines parted by a line feed.
    made : Document
        What the machine made of the same recording: a line that was not touched stays the machine's.
    spoken : sequence of Language
        Languages in which the file may be written.

    Raises
    ------
    ValueError
        If it holds times that are not written as SRT asks, so that lines would be lost.
    """
    told = {
        (round(line.start_s * 1000), srt_text(shown(line, one))): line
        for line in reversed(made.lines)
        for one in spoken
    }
    aside = {one.text(said) for one in spoken for said in (wording.NOT_FURTHER, wording.NO_SPEECH, wording.NO_SOUND)}
    first = round(made.lines[0].start_s * 1000) if made.lines else 0
    found = []
    hits = list(_CUE.finditer(text + "\n"))
    if len(hits) != text.count("-->"):
        raise ValueError(f"{text.count('-->')} subtitles, {len(hits)} of them with readable times")
    for hit in hits:
        rows = hit[9].strip().split("\n")
        start, stop = (_milliseconds(*hit.group(n, n + 1, n + 2, n + 3)) for n in (1, 5))
        last = max((n for n, row in enumerate(rows) if made.footage.sha256[:SHORT_HASH] in row), default=-1)
        if last >= 0 and start < first <= stop:  # place and content stood over the first line
            start = first
        said = "\n".join(row for row in rows[last + 1 :] if row not in aside)
        if said:
            by_hand = Line(start / 1000, max(start, stop) / 1000, (Piece(said, math.nan),))
            found.append(told.get((start, said), by_hand))
    return sorted(found, key=lambda line: line.start_s)


def _milliseconds(hours: str, minutes: str, seconds: str, fraction: str) -> int:
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))


def clock(time_s: float) -> str:
    """Return a time as h:mm:ss.mmm."""
    return _stamp(round(time_s * 1000), ".")


def _stamp(time_ms: int, point: str) -> str:
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{milliseconds:03d}"


def _name(made: Document) -> str:
    """Return the name of the clip; bytes of it that are not UTF-8 are written out in hexadecimal."""
    return made.footage.path.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _field(label: str, value: str, spoken: Language) -> str:
    value = " ".join(value.split()) or spoken.text(wording.NOT_GIVEN)
    return spoken.text(wording.FIELD).format(label=spoken.text(label), value=value)


def _listed(values: Sequence[str], spoken: Language) -> str:
    return spoken.text(wording.COMMA).join(values)


def _without_blank_lines(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if line.strip())


def _is_uncertain(piece: Piece) -> bool:
    return piece.probability < UNCERTAIN


def _number(value: float) -> float | None:
    return round(float(value), 3) if math.isfinite(value) else None
