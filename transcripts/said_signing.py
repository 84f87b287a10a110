"""Whether somebody was asked to sign (签字、签名、按手印)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import Phrases, lexicon
from transcripts.phrases import JOIN_S, MIN_PHRASE_SCORE, findings

HEARD = "Signing was spoken of at {start_s:.1f} s: “{heard}”. A person must confirm it."


@detector("said-signing", version=1, needs=("words.text",), emits=("said-signing",))
def said_signing(
    features: Features, *, more_phrases: Phrases = (), min_score: float = MIN_PHRASE_SCORE, join_s: float = JOIN_S
) -> Iterator[Finding]:
    """Look for the words with which somebody is asked to sign.

    It suggests a phase of the enforcement, no more.

    Parameters
    ----------
    more_phrases : tuple of str
        Phrases to listen for besides those of `transcripts/lexicons/signing.toml`.
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.
    join_s : float
        Seconds between phrases up to which they are one finding.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第七条（八）: signing the record of the
    inspection and other documents must be recorded.
    """
    words = features["words"]
    yield from findings("said-signing", HEARD, words, lexicon("signing"), more_phrases, min_score, join_s)
