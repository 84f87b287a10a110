"""What error rates were measured for findings of a kind: what `docs/accuracy.md` states, as data for reports.

A test holds every number here against its row in that document. What is not here was not measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.language import Language
from pipeline.report.wording import N_, NOTHING, title

DRAWN = N_("21 takes, no clock")
CLOCK = N_("21 takes, a running clock")
OTHER = N_("11 takes from elsewhere")
OVERLAYS = N_("drawn overlays, signs, places")
SPEECH = N_("590 clips of speech")
STRUCTURE = N_("8 takes, packets edited")
SESSIONS = N_("6 takes cut into files")


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured share."""

    kinds: tuple[str, ...]
    """Kinds of finding that it is about."""
    row: str
    """What was done or looked for: a msgid, and the first cell of its row in `docs/accuracy.md`."""
    result: str
    """How many of how many, as it stands there."""
    interval: str
    """95 % interval of the share, as it stands there; empty where none is stated."""
    material: str
    """On what: a msgid."""
    section: str
    """Heading in `docs/accuracy.md` below which the row stands."""
    there: str = ""
    """First cell of the row, where it is another than `row`."""


MISSING, CLOCKS = ("missing-frames",), ("clock-jump", "clock-rate")
NOTICE, PLACE = ("notice-heard", "notice-missing"), ("place-shown", "place-missing")
MEASURED = (
    Measured(("picture-cut",), N_("splice of two takes"), "21 of 21", "0.85 to 1.00", DRAWN, "No overlay"),
    Measured(("picture-cut",), N_("splice"), "21 of 21", "0.85 to 1.00", CLOCK, "Under a running clock"),
    Measured(("picture-cut",), N_("splice"), "11 of 11", "0.74 to 1.00", OTHER, "Other footage"),
    Measured(("inserted-frames",), N_("inserted 1 picture"), "21 of 21", "0.85 to 1.00", DRAWN, "No overlay"),
    Measured(
        ("inserted-frames",), N_("inserted 5 / 30 pictures"), "21 / 21 of 21", "0.85 to 1.00", DRAWN, "No overlay"
    ),
    Measured(("blank-picture",), N_("black for 1 s"), "21 of 21", "0.85 to 1.00", DRAWN, "No overlay"),
    Measured(MISSING, N_("removed 30 pictures"), "17 of 21", "0.60 to 0.92", DRAWN, "No overlay"),
    Measured(MISSING, N_("removed 10 pictures"), "16 of 21", "0.55 to 0.89", DRAWN, "No overlay"),
    Measured(MISSING, N_("removed 3 pictures"), "15 of 21", "0.50 to 0.86", DRAWN, "No overlay"),
    Measured(
        (*MISSING, *CLOCKS), N_("removed 30 pictures"), "21 of 21", "0.85 to 1.00", CLOCK, "Under a running clock"
    ),
    Measured(
        (*MISSING, *CLOCKS), N_("removed 10 pictures"), "20 of 21", "0.77 to 0.99", CLOCK, "Under a running clock"
    ),
    Measured((*MISSING, *CLOCKS), N_("removed 3 pictures"), "20 of 21", "0.77 to 0.99", CLOCK, "Under a running clock"),
    Measured(MISSING, N_("removed 30 pictures"), "5 of 11", "0.21 to 0.72", OTHER, "Other footage"),
    Measured(MISSING, N_("removed 10 pictures"), "4 of 11", "0.15 to 0.65", OTHER, "Other footage"),
    Measured(MISSING, N_("removed 3 pictures"), "3 of 11", "0.10 to 0.57", OTHER, "Other footage"),
    Measured((*MISSING, "truncated"), N_("5 packets dropped"), "21 of 21", "0.85 to 1.00", DRAWN, "No overlay"),
    Measured(("repeated-frames",), N_("repeated 0.5 s"), "18 of 21", "0.65 to 0.95", DRAWN, "No overlay"),
    Measured(("repeated-frames",), N_("repeated 0.5 s"), "21 of 21", "0.85 to 1.00", CLOCK, "Under a running clock"),
    Measured(("frozen-picture",), N_("frozen 0.5 s"), "19 of 21", "0.71 to 0.97", DRAWN, "No overlay"),
    Measured(("frozen-picture",), N_("frozen 0.5 s"), "19 of 21", "0.71 to 0.97", CLOCK, "Under a running clock"),
    Measured(("edit-list",), N_("trimmed by an edit list"), "21 of 21", "0.85 to 1.00", DRAWN, "No overlay"),
    Measured(
        ("timestamp-gap", "timestamp-disorder"),
        N_("gap, packets copied: times kept / closed"),
        "21 / 21 of 21",
        "0.85 to 1.00",
        DRAWN,
        "No overlay",
    ),
    Measured(
        ("audio-break", "av-desync", "audio-dropout"),
        N_("1 s of sound removed"),
        "7 of 7",
        "0.65 to 1.00",
        DRAWN,
        "No overlay",
    ),
    Measured(("stream-change",), N_("join of two takes"), "38 of 40", "0.83 to 0.99", STRUCTURE, "Structure"),
    Measured(
        CLOCKS,
        N_("removals of 3 pictures or more found"),
        "195 of 196",
        "97 to 100 %",
        OVERLAYS,
        "Overlay, clock, signs and landmarks",
    ),
    Measured(
        NOTICE,
        N_("notice confirmed, clean and ≥ 5 dB, speeds 0.8 to 1.6"),
        "186 of 187",
        "0.970 to 0.999",
        SPEECH,
        "Speech",
    ),
    Measured(NOTICE, N_("notice confirmed, 0 dB"), "58 of 60", "0.886 to 0.991", SPEECH, "Speech"),
    Measured(
        NOTICE,
        N_("confirmed though not wholly said (talk, parts, noise, silence)"),
        "0 of 283",
        "0 to 0.013",
        SPEECH,
        "Speech",
    ),
    Measured(
        ("notice-missing",),
        N_("“missing”, which fails a clip, though wholly said"),
        "0 of 307",
        "0 to 0.012",
        SPEECH,
        "Speech",
    ),
    Measured(
        ("notice-partial",), N_("clauses alone, clean: *partial*"), "48 of 51", "0.841 to 0.980", SPEECH, "Speech"
    ),
    Measured(
        PLACE,
        N_("signs of 32 px without blur matched"),
        "23 of 27",
        "68 to 94 %",
        OVERLAYS,
        "Overlay, clock, signs and landmarks",
    ),
    Measured(
        PLACE, N_("other names matched"), "0 of 14,334", "0 to 0.03 %", OVERLAYS, "Overlay, clock, signs and landmarks"
    ),
    Measured(
        ("landmark-shown",),
        N_("landmark pairs recognised at zero false"),
        "57 of 62",
        "82 to 97 %",
        OVERLAYS,
        "Overlay, clock, signs and landmarks",
    ),
    Measured(
        ("landmark-shown",),
        N_("other places taken for them"),
        "0 of 4,821",
        "0 to 0.08 %",
        OVERLAYS,
        "Overlay, clock, signs and landmarks",
    ),
    Measured(
        ("recording-gap",),
        N_("gaps over 2 s found, times from the overlay's clock alone"),
        "10/10",
        "",
        SESSIONS,
        "Recording sessions",
        there="test half, 6 takes, 720p",
    ),
)
"""Measured shares, in the order in which reports list them."""

LIMITS = (
    N_(
        "The 21 takes are honest footage that no model was trained on, each forged once in every way and encoded "
        "again; failures on them were looked at, so the numbers are those of a second look. The 11 takes came later, "
        "mostly from fixed cameras."
    ),
    N_("Speech: voices of machines and recordings of people, clean and in noise; a real notice is not among them."),
    N_("The footage that this was measured on holds no body camera of a Chinese agency: other cameras may differ."),
    N_("An edit counts as found if a finding that names it lies within 0.25 s."),
    N_(
        "Of 9.1 minutes of whole takes, honest footage, none gave a false alarm: with 95 % confidence fewer than 20 an "
        "hour, which is all that so little footage can show."
    ),
    N_("Intervals are Wilson's, 95 %."),
)
"""What must be said beside the numbers: msgids."""


@dataclass(frozen=True, slots=True)
class MeasuredView:
    """A measured share in the reader's language."""

    kinds: str
    what: str
    result: str
    interval: str
    material: str


def measured(kind: str) -> tuple[Measured, ...]:
    """Return what was measured for findings of a kind; nothing where nothing was."""
    return tuple(share for share in MEASURED if kind in share.kinds)


def shares_of(kinds: Iterable[str], words: Language) -> tuple[MeasuredView, ...]:
    """Return the measured shares that are about some of these kinds, each once, in the reader's language."""
    asked = set(kinds)
    return tuple(_view(share, words) for share in MEASURED if asked & set(share.kinds))


def unmeasured(kinds: Iterable[str], words: Language) -> tuple[str, ...]:
    """Return the titles of those kinds for which no error rate was measured, each once, in their order."""
    return tuple(dict.fromkeys(title(kind, words) for kind in kinds if not measured(kind)))


def _view(share: Measured, words: Language) -> MeasuredView:
    return MeasuredView(
        kinds=("、" if words.tag.startswith("zh") else ", ").join(title(kind, words) for kind in share.kinds),
        what=words.text(share.row).replace("*", ""),
        result=_told(share.result, " of ", words.text("{found} of {count}"), ("found", "count")),
        interval=_told(share.interval, " to ", words.text("{low} to {high}"), ("low", "high")) or NOTHING,
        material=words.text(share.material),
    )


def _told(text: str, between: str, template: str, names: tuple[str, str]) -> str:
    """Return two numbers with what stands between them in the reader's language; another text as it is."""
    parts = text.split(between)
    return template.format(**dict(zip(names, parts, strict=True))) if len(parts) == 2 else text
