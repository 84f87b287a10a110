"""Which rights of the party were told (陈述、申辩、回避、听证、复议、诉讼)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import lexicon
from transcripts.phrases import MIN_PHRASE_SCORE, finding, hits, read

ALL = "The rights of the party were told from {start_s:.1f} s on: {told}. A person must confirm it."
SOME = (
    "Of the rights of the party, {told} were told from {start_s:.1f} s on; not heard: {missing}. Which of them were "
    "due, a person must judge."
)


@detector("said-rights", version=1, needs=("words.text",), emits=("said-rights",))
def said_rights(features: Features, *, min_score: float = MIN_PHRASE_SCORE) -> Iterator[Finding]:
    """Look for the rights of the party that were told, and name those that were not heard.

    A right that the party itself claims (我要申请复议) is not told. Which rights are due depends on the procedure, and
    only the opening of a clip is listened to: a right that was not heard is no fault.

    Parameters
    ----------
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.

    Yields
    ------
    Finding
        At most one, from the first right that was told to the last. Its evidence names those told and not heard.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第七条（五）: telling the party its rights must be recorded.
    """
    said, rules = read(features["words"]), lexicon("rights")
    found = {right: hits(said, rules, phrases, min_score) for right, phrases in rules.groups.items()}
    told = [right for right, heard in found.items() if heard]
    if not told:
        return
    missing = [right for right in found if right not in told]
    group = sorted({hit for heard in found.values() for hit in heard}, key=lambda hit: (hit.start, hit.stop))
    values = {"told": "、".join(told)} | ({"missing": "、".join(missing)} if missing else {})
    yield finding(
        "said-rights",
        SOME if missing else ALL,
        said,
        group,
        values,
        {"told": tuple(told), "not_heard": tuple(missing)},
    )
