"""Whether the party seems to refuse or to hinder (拒绝、阻碍执法)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import Phrases, lexicon
from transcripts.phrases import JOIN_S, MIN_PHRASE_SCORE, findings

HEARD = (
    "Somebody seems to refuse or to hinder at {start_s:.1f} s: “{heard}”. Who speaks is not told apart: a person "
    "must listen."
)


@detector("said-refusal", version=1, needs=("words.text",), emits=("said-refusal",))
def said_refusal(
    features: Features, *, more_phrases: Phrases = (), min_score: float = MIN_PHRASE_SCORE, join_s: float = JOIN_S
) -> Iterator[Finding]:
    """Look for words of refusing or hindering the enforcement.

    What a refusal would lead to, read out by an officer, is left out, as far as words tell it.

    Parameters
    ----------
    more_phrases : tuple of str
        Phrases to listen for besides those of `transcripts/lexicons/refusal.toml`.
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.
    join_s : float
        Seconds between phrases up to which they are one finding.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第二十一条（三）: where the party refuses or
    hinders the enforcement, the recording is kept for long.
    """
    words = features["words"]
    yield from findings("said-refusal", HEARD, words, lexicon("refusal"), more_phrases, min_score, join_s)
