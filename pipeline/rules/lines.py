"""Where each entry of a TOML file stands: a scanner over text that `tomllib` has read, which keeps no lines itself."""

from __future__ import annotations

import re
import tomllib

Where = tuple[str | int, ...]
"""Keys and places in lists from the top of the file: `("rule", 2, "fails_on", 0)`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*(?:("(?:\\.|[^"\\\n])*"|'[^'\n]*')|([\w-]+))[ \t]*""")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' r"|'''.*?'''(?:'{0,2})" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.S,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


def lines_of(text: str) -> dict[Where, int]:
    """Return the line, from 1, of every table, entry and member of a list in a TOML text.

    Parameters
    ----------
    text : str
        As `tomllib.loads` accepts it; anything else gives an answer without meaning.
    """
    return _Scanner(text).lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Where, int] = {}
        counted: dict[Where, int] = {}
        """Path of an array of tables → number of its last table."""
        table: Where = ()
        while self._more():
            if self._accept("[["):
                *above, name = self._keys()
                path = (*_resolved(above, counted), name)
                counted[path] = counted.get(path, -1) + 1
                table = (*path, counted[path])
                self._note(path)
                self._note(table)
                self._accept("]]")
            elif self._accept("["):
                table = _resolved(self._keys(), counted)
                self._note(table)
                self._accept("]")
            else:
                self._entry(table)

    def _more(self) -> bool:
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.at < len(self.text)

    def _accept(self, sign: str) -> bool:
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) * found
        return found

    def _note(self, where: Where) -> None:
        self.lines.setdefault(where, self.text.count("\n", 0, self.at) + 1)

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while key := _KEY.match(self.text, self.at):
            keys.append(tomllib.loads(f"key = {key[1]}")["key"] if key[1] else key[2])
            self.at = key.end()
            if not self._accept("."):
                break
        return keys

    def _entry(self, table: Where) -> None:
        keys = self._keys()
        for depth in range(1, len(keys) + 1):
            self._note((*table, *keys[:depth]))
        if not self._accept("="):
            self.at = len(self.text)
            return
        self._more()
        self._value((*table, *keys))

    def _value(self, where: Where) -> None:
        if self._accept("["):
            number = 0
            while self._more() and not self._accept("]"):
                self._note((*where, number))
                self._value((*where, number))
                number += 1
                self._more()
                self._accept(",")
        elif self._accept("{"):
            while self._more() and not self._accept("}"):
                self._entry(where)
                self._more()
                self._accept(",")
        else:
            value = _STRING.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            self.at = value.end() if value else len(self.text)


def _resolved(keys: list[str], counted: dict[Where, int]) -> Where:
    """Return the path of a table header: below an array of tables it belongs to the last of them."""
    path: Where = ()
    for key in keys:
        path = (*path, key)
        if path in counted:
            path = (*path, counted[path])
    return path
