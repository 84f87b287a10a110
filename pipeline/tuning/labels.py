"""Labels: what is true of clips, in one table, each row with where it comes from.

A row is about a stretch of one clip. `true`: something happened there, and findings of its `kinds` tell it. `false`: a
finding of its kinds there is a false alarm. `unsure`: nobody knows; kept, never scored. Where all of a clip is known, a
row over the whole clip says `false` for every kind that tells an edit; what is `true` goes before it.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import pyarrow as pa

from pipeline.errors import IntegrityError
from pipeline.model import Span

Word = Literal["true", "false", "unsure"]
Origin = Literal["forge", "truth", "review"]
WORDS: tuple[str, ...] = get_args(Word)
SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),  # of the clip's content
        ("path", pa.string()),  # where it lay
        ("source", pa.list_(pa.string())),  # SHA-256 of every clip that it was made from; of itself if of none
        ("device", pa.string()),  # recorder; null: not stated
        ("scene", pa.string()),  # null: not stated
        ("kinds", pa.list_(pa.string())),  # of finding, that tell it
        ("beside", pa.list_(pa.string())),  # kinds that may be told there, too, and are neither right nor wrong
        ("start_s", pa.float64()),  # presentation time
        ("stop_s", pa.float64()),  # inf: to the end
        ("label", pa.string()),  # true, false or unsure
        ("whole", pa.bool_()),  # says of all of the clip that nothing else is there
        ("origin", pa.string()),  # forge, truth or review
        ("detail", pa.string()),  # what was done, or why it was decided so
        ("who", pa.string()),
        ("when", pa.string()),  # ISO 8601
    ]
)
"""Columns of the table; `docs/tuning.md`."""
BREAKS = frozenset(
    {
        *("picture-cut", "missing-frames", "inserted-frames", "repeated-frames", "frozen-picture", "blank-picture"),
        *("timestamp-gap", "timestamp-disorder", "stream-change", "edit-list", "truncated", "header-mismatch"),
        *("audio-missing", "audio-dropout", "audio-break", "av-desync", "clock-jump", "clock-rate", "clock-missing"),
    }
)
"""Kinds that tell an edit: where all of a clip is known, one of them that nothing explains is a false alarm."""


class LabelError(IntegrityError):
    """Labels, or a file of labels, that cannot be used as they stand."""


@dataclass(frozen=True, slots=True)
class Label:
    """One row of `SCHEMA`."""

    sha256: str
    path: str
    source: tuple[str, ...]
    kinds: frozenset[str]
    start_s: float
    stop_s: float
    label: Word
    origin: Origin
    beside: frozenset[str] = frozenset()
    device: str | None = None
    scene: str | None = None
    whole: bool = False
    detail: str | None = None
    who: str | None = None
    when: str | None = None

    @property
    def span(self) -> Span:
        """The stretch that it is about."""
        return Span(self.start_s, self.stop_s)


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of many clips, in order; put together with `+`."""

    rows: tuple[Label, ...] = ()

    def __iter__(self) -> Iterator[Label]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __add__(self, other: Labels) -> Labels:
        return Labels(tuple(dict.fromkeys([*self.rows, *other.rows])))

    @property
    def clips(self) -> tuple[str, ...]:
        """SHA-256 of every clip, in order of first mention."""
        return tuple(dict.fromkeys(row.sha256 for row in self.rows))

    @property
    def origins(self) -> dict[str, int]:
        """Origin → how many labels come from there."""
        return dict(sorted(Counter(row.origin for row in self.rows).items()))

    def sources(self) -> dict[str, frozenset[str]]:
        """Return the sources of every clip: SHA-256 → SHA-256 of what it was made from."""
        found: dict[str, frozenset[str]] = {}
        for row in self.rows:
            found[row.sha256] = found.get(row.sha256, frozenset()) | set(row.source)
        return found

    def by_clip(self) -> dict[str, Labels]:
        """Return the labels of each clip, by its SHA-256, in order of first mention."""
        rows: dict[str, list[Label]] = {}
        for row in self.rows:
            rows.setdefault(row.sha256, []).append(row)
        return {sha256: Labels(tuple(own)) for sha256, own in rows.items()}

    def of(self, clips: Collection[str]) -> Labels:
        """Return the labels of the clips with these hashes."""
        chosen = frozenset(clips)
        return Labels(tuple(row for row in self.rows if row.sha256 in chosen))

    def table(self) -> pa.Table:
        """Return all rows as an Arrow table of `SCHEMA`; `.to_pandas()` works where pandas is installed."""
        rows = [{**asdict(row), "kinds": sorted(row.kinds), "beside": sorted(row.beside)} for row in self.rows]
        return pa.Table.from_pylist(rows, SCHEMA)

    def summary(self) -> list[dict[str, Any]]:
        """Return how many clips, sources and labels of each word there are, by origin."""
        told = []
        for origin in self.origins:
            own = Labels(tuple(row for row in self.rows if row.origin == origin))
            words = Counter(row.label for row in own if not row.whole)
            sources = frozenset().union(*own.sources().values())
            told.append(
                {"origin": origin, "clips": len(own.clips), "sources": len(sources)}
                | {word: words[word] for word in WORDS}  # type: ignore[index]
                | {"known as a whole": len({row.sha256 for row in own if row.whole})}
            )
        return told

    def _repr_html_(self) -> str:
        return html_table(self.summary())


def labels_from(table: pa.Table) -> Labels:
    """Return the labels of a table that `Labels.table` gave, perhaps by way of a file.

    Raises
    ------
    LabelError
        If a column is missing, or a row cannot be.
    """
    if missing := [name for name in SCHEMA.names if name not in table.column_names]:
        raise LabelError(f"no table of labels: it lacks the columns {', '.join(missing)}.")
    rows = []
    for number, row in enumerate(table.select(SCHEMA.names).to_pylist(), 1):
        if row["label"] not in WORDS or row["origin"] not in get_args(Origin) or not row["start_s"] <= row["stop_s"]:
            raise LabelError(f"row {number} of the labels cannot be: {row['label']!r}, {row['origin']!r}, its times.")
        sets = {name: frozenset(row[name]) for name in ("kinds", "beside")}
        rows.append(Label(**{**row, **sets, "source": tuple(row["source"])}))
    return Labels(tuple(rows))


def html_table(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as a plain HTML table for notebooks; every value is escaped, empty where it is None.

    Columns `x_low` and `x_high` are shown as the interval of column `x`, in its cell.
    """
    listed = list(rows)
    if not listed:
        return "<p>–</p>"
    names = [name for name in listed[0] if not _is_end(name, listed[0])]
    head = "".join(_cell("th", name) for name in names)
    body = "".join(f"<tr>{''.join(_cell('td', _with_interval(name, row)) for name in names)}</tr>" for row in listed)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _is_end(name: str, row: dict[str, Any]) -> bool:
    whole, _, end = name.rpartition("_")
    return end in {"low", "high"} and whole in row


def _with_interval(name: str, row: dict[str, Any]) -> str:
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    told = _shown(row[name]) or ("–" if f"{name}_low" in row else "")
    return told if low is None or high is None or row[name] is None else f"{told} ({_shown(low)} – {_shown(high)})"


def _cell(tag: str, value: str) -> str:
    return f'<{tag} style="text-align:left">{html.escape(value)}</{tag}>'


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
