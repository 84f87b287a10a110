"""Whether insults or threats of violence were spoken (谩骂、侮辱、殴打)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import Phrases, lexicon
from transcripts.phrases import JOIN_S, MIN_PHRASE_SCORE, findings

HEARD = (
    "Words that insult or threaten were heard at {start_s:.1f} s: “{heard}”. Who speaks is not told apart: a person"
    " must listen."
)


@detector("said-insult", version=1, needs=("words.text",), emits=("said-insult",))
def said_insult(
    features: Features, *, more_phrases: Phrases = (), min_score: float = MIN_PHRASE_SCORE, join_s: float = JOIN_S
) -> Iterator[Finding]:
    """Look for insults and for threats of violence.

    Blows themselves are not heard; 打人了 is.

    Parameters
    ----------
    more_phrases : tuple of str
        Phrases to listen for besides those of `transcripts/lexicons/insult.toml`.
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.
    join_s : float
        Seconds between phrases up to which they are one finding.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第二十一条（三）: where the party abuses,
    insults or beats officers, the recording is kept for long.
    """
    words = features["words"]
    yield from findings("said-insult", HEARD, words, lexicon("insult"), more_phrases, min_score, join_s)
