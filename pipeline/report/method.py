"""How a clip was examined, in sentences for a reader who knows none of the technique."""

from __future__ import annotations

from pipeline.language import Language
from pipeline.model import Examined


def method(examined: Examined, words: Language) -> tuple[str, ...]:
    """Return how the clip was examined, step by step; what was not done is not told."""
    _ = words.text
    told = [
        _("The file was opened read-only and never changed; its SHA-256 was taken before anything else."),
        _("Its container and packets were read without decoding, and held against what its header claims."),
    ]
    if examined.frames_decoded:
        told.append(_("Every picture was decoded once, in a process of its own, and measured in that one pass."))
    else:
        told.append(_("No picture was decoded."))
    if examined.speech_s > 0:
        told.append(_("Speech was written down by a recogniser that runs on this machine, without a network."))
    if examined.pictures_read:
        told.append(_("Text was read in sharp pictures: what the recorder burned in, and signs of the place."))
    told += [
        _(
            "Detectors are fixed rules and models over these measurements: the same file, versions and parameters give "
            "the same findings."
        ),
        _(
            "Each clause of the regulation was then judged on the findings. What could not be told is undecided, never "
            "passed."
        ),
    ]
    return tuple(told)
