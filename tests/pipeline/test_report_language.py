"""Every sentence of the report and of the review page has a translation with the same placeholders."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from pipeline import report, review
from pipeline.kinds import KINDS, TITLES
from pipeline.language import LANGUAGES, language

FOLDERS = [Path(package.__file__).parent for package in (report, review)]
KEYWORDS = {"_": None, "N_": None, "Message": None, "text": None}


def sentences() -> set[str]:
    kinds = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
    found = [entry for folder in FOLDERS for entry in extract_from_dir(folder, kinds, keywords=KEYWORDS)]
    return {str(text) for _, _, text, _, _ in found}


def placeholders(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)", sentence))


def test_sentences_are_found_in_code_and_templates():
    assert {"Verdict by article", "Words of the notice", "In between", "Undecided", "Narrow the list"} <= sentences()


@pytest.mark.parametrize("tag", [tag for tag in LANGUAGES if tag != "en"])
@pytest.mark.parametrize("sentence", sorted(sentences() | set(TITLES.values()) | set(KINDS.values())))
def test_sentence_is_translated(sentence, tag):
    translated = language(tag).sentences.get(sentence)
    assert translated, f"{tag}.po lacks {sentence!r}"
    assert placeholders(translated) == placeholders(sentence)


def test_every_kind_has_a_short_name():
    assert set(TITLES) == set(KINDS)
