"""The lines of a TOML file: every entry is found on the line that it stands on."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.rules.lines import lines_of

RULES = Path(__file__).resolve().parents[2] / "pipeline" / "rules"

TEXT = """# a = 1
name = "x # y = 2"   # name = 3
[detectors.notice] # [other]
notices = [
    "one", # "two"
    '''three
key = 1
''', [ "deep",
      "deeper" ],
]
path = 'C:\\[a]'
"quoted \\u006bey" = { inner = 1, other = { last = '''
]''' } }
a.b = 2026-01-01T00:00:00+08:00

[[rule]]
id = "A"
[rule.more]
x = '''''a''b'''''
[[rule]]
  id = "B"
[[rule.part]]
n = 1
[[rule.part]]
n = 2
"""


def test_entries_stand_on_their_lines() -> None:
    assert tomllib.loads(TEXT)["rule"][0]["more"]["x"] == "''a''b''"
    assert lines_of(TEXT) == {
        ("name",): 2,
        ("detectors", "notice"): 3,
        ("detectors", "notice", "notices"): 4,
        ("detectors", "notice", "notices", 0): 5,
        ("detectors", "notice", "notices", 1): 6,
        ("detectors", "notice", "notices", 2): 8,
        ("detectors", "notice", "notices", 2, 0): 8,
        ("detectors", "notice", "notices", 2, 1): 9,
        ("detectors", "notice", "path"): 11,
        ("detectors", "notice", "quoted key"): 12,
        ("detectors", "notice", "quoted key", "inner"): 12,
        ("detectors", "notice", "quoted key", "other"): 12,
        ("detectors", "notice", "quoted key", "other", "last"): 12,
        ("detectors", "notice", "a"): 14,
        ("detectors", "notice", "a", "b"): 14,
        ("rule",): 16,
        ("rule", 0): 16,
        ("rule", 0, "id"): 17,
        ("rule", 0, "more"): 18,
        ("rule", 0, "more", "x"): 19,
        ("rule", 1): 20,
        ("rule", 1, "id"): 21,
        ("rule", 1, "part"): 22,
        ("rule", 1, "part", 0): 22,
        ("rule", 1, "part", 0, "n"): 23,
        ("rule", 1, "part", 1): 24,
        ("rule", 1, "part", 1, "n"): 25,
    }


@pytest.mark.parametrize("path", sorted(RULES.rglob("*.toml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_entry_of_a_profile_is_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    written, lines = text.splitlines(), lines_of(text)
    assert len(lines) > 15
    for where, line in lines.items():
        value = tomllib.loads(text)
        for part in where:
            value = value[part]  # type: ignore[assignment, index]
        sought = where[-1] if isinstance(where[-1], str) else value if isinstance(value, str) else "["
        assert str(sought) in written[line - 1]


VALUES = st.sampled_from(
    ["1", '"]"', "'# }'", "[1, 2]", "[\n1,\n# ]\n2,\n]", "{ x = 1, y = '}' }", '"""\n[a]\n"""', "1979-05-27 07:32:00"]
)
ITEMS = st.one_of(
    st.tuples(st.just("entry"), VALUES, st.sampled_from(["", " # note", "\n\n", "\n# x = 1"])),
    st.tuples(st.sampled_from(["table", "rule"]), st.just(""), st.sampled_from(["", "  # [x]", "\n"])),
)


@given(st.lists(ITEMS, max_size=12))
def test_lines_are_found_whatever_stands_above(items: list[tuple[str, str, str]]) -> None:
    text, rules = "", 0
    expected: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for count, (form, value, after) in enumerate(items):
        line = text.count("\n") + 1
        if form == "entry":
            expected[(*table, f"key{count}")] = line
            text += f"key{count} = {value}{after}\n"
        elif form == "table":
            table = (f"table{count}",)
            expected[table] = line
            text += f"[{table[0]}]{after}\n"
        else:
            table, rules = ("rule", rules), rules + 1
            expected[table] = line
            text += f"[[rule]]{after}\n"
    tomllib.loads(text)
    found = lines_of(text)
    assert {where: found.get(where) for where in expected} == expected
