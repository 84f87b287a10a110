"""Every sentence that a user may read has a translation with the same placeholders."""

import ast
import string
from pathlib import Path

import pytest

from pipeline.cli import STAGE_WORDS
from pipeline.errors import SettingsError
from pipeline.kinds import KINDS
from pipeline.language import language
from pipeline.model import Level, Message, Outcome

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("pipeline", "detectors", "transcripts") for path in (ROOT / folder).rglob("*.py"))


def sentences_in(path: Path) -> list[str]:
    """Return the literal sentences given to `Message(…)` or to a language's `text(…)`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if called in {"Message", "text"} and isinstance(first, ast.Constant) and isinstance(first.value, str):
            found.append(first.value)
    return found


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_sentence_is_translated(path):
    chinese = language("zh-CN").sentences
    only_values = {"{problem}"}
    missing = [s for s in sentences_in(path) if s and s not in chinese and s not in only_values]
    assert missing == []


def test_kinds_levels_and_outcomes_are_translated():
    chinese = language("zh-CN").sentences
    assert [s for s in [*KINDS.values(), *Level, *Outcome, *STAGE_WORDS.values()] if str(s) not in chinese] == []


@pytest.mark.parametrize("pair", language("zh-CN").sentences.items(), ids=lambda pair: pair[0][:60])
def test_placeholders_survive_translation(pair):
    english, chinese = pair
    assert fields(english) == fields(chinese)


def test_a_message_is_told_in_both_languages():
    message = Message("{path}: there is no such file.", {"path": "a.mp4"})
    assert language("en").tell(message) == "a.mp4: there is no such file."
    assert language("zh-CN").tell(message) == "a.mp4：没有这个文件。"


def test_unknown_language_is_an_error():
    with pytest.raises(SettingsError, match="Known: zh-CN, en"):
        language("tlh")
