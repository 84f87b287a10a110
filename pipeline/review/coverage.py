"""Which clips the numbers of a page cover: those that the reader may see, and the page says so."""

from __future__ import annotations

from pipeline.language import Language
from pipeline.model import Message
from pipeline.report.wording import N_, NOTHING
from pipeline.review.accounts import Account
from pipeline.review.rights import CLASS_WORDS, CLASSES

ALL = N_("These numbers cover every clip of the batch.")
EVERY_UNIT = N_("every unit")
SOME = N_(
    "These numbers cover only the clips that this account may see. Units: {units}. Access classes: {classes}. Where "
    "there are other clips, nothing here counts them."
)


def sees_all(account: Account) -> bool:
    """Tell whether an account may see the clips of every unit and access class."""
    return account.all_units and account.classes.issuperset(CLASSES)


def coverage(account: Account, words: Language) -> str:
    """Return the sentence that says which clips the numbers cover."""
    if sees_all(account):
        return words.text(ALL)
    between = "、" if words.tag == "zh-CN" else ", "
    units = words.text(EVERY_UNIT) if account.all_units else between.join(sorted(account.units)) or NOTHING
    classes = between.join(words.text(CLASS_WORDS[one]) for one in CLASSES if one in account.classes) or NOTHING
    return words.tell(Message(SOME, {"units": units, "classes": classes}))
