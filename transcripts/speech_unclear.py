"""Speech that could not be understood: whether it was civil cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Gt

from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message, Span
from transcripts.lines import lines
from transcripts.spoken import transcript

UNCLEAR = (
    "From {start_s:.1f} s on somebody speaks for {speech_s:.1f} s, and what is said was not understood. A person must "
    "listen."
)


@detector("speech-unclear", version=1, needs=("voice.start_s", "words.text"), emits=("speech-unclear",))
def speech_unclear(
    features: Features,
    *,
    least_s: Annotated[float, Gt(0)] = 3.0,
    join_s: float = 2.0,
    min_snr_db: float = 10.0,
    min_word_probability: float = 0.6,
    min_syllables_per_s: float = 1.5,
) -> Iterator[Finding]:
    """Yield the stretches of speech that were not understood, or gave no words at all, and are long enough to matter.

    Speech counts as understood as for the notice (`transcripts/notice.py`): its words are likely, come at the pace of
    speech, and stand out of the sound around it. Laughter, a cough or a single word is shorter than what is told here.

    Parameters
    ----------
    least_s : float
        Seconds of speech from which a stretch is told.
    join_s : float
        Seconds between pieces up to which they are one stretch, unless something understood stands between them.
    min_snr_db : float
        Level of speech over the surrounding sound below which it cannot be trusted to be understood.
    min_word_probability : float
        Mean probability of the words of a stretch below which it was not understood.
    min_syllables_per_s : float
        Syllables recognised per second of speech below which it was not understood.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（二）: officers must speak civilly; what nobody
    understands does not show that they did.
    """
    voice, words = features["voice"], features["words"]
    clear = transcript(words).understood(voice, min_snr_db, min_word_probability, min_syllables_per_s)
    unclear = [(float(a), float(b)) for a, b in zip(voice["start_s"][~clear], voice["stop_s"][~clear], strict=True)]
    # Whole seconds without any word stand in stretches, too, whose other words are plain.
    wordless = [(line.start_s, line.stop_s) for line in lines(words, voice) if not line.pieces]
    parts = _united([*unclear, *wordless])
    understood = sorted(float(start) for start in voice["start_s"][clear])
    groups: list[list[tuple[float, float]]] = []
    for start, stop in parts:
        last = groups[-1][-1][1] if groups else None
        between = last is not None and any(last <= at < start for at in understood)
        if last is None or start - last > join_s or between:
            groups.append([])
        groups[-1].append((start, stop))
    for group in groups:
        speech_s = sum(stop - start for start, stop in group)
        if speech_s < least_s:
            continue
        span = Span(group[0][0], group[-1][1])
        yield Finding(
            "speech-unclear",
            Level.SUSPECT,
            span,
            Message(UNCLEAR, {"start_s": span.start_s, "speech_s": speech_s}),
            evidence={"speech_s": round(speech_s, 2)},
            curves=(Curve("voice.snr_db", min_snr_db), Curve("words.probability", min_word_probability)),
        )


def _united(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return spans in order of time, those that overlap as one."""
    found: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return found
