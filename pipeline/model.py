"""Every noun that the stages share: frozen, typed and picklable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scalar = str | int | float | bool | None
Evidence = Mapping[str, Scalar | Sequence[Scalar]]
Column = NDArray[Any]


class Level(StrEnum):
    """How much weight a finding carries."""

    VIOLATION = "violation"
    """Strong enough to fail a clip by itself."""
    SUSPECT = "suspect"
    """A person must look."""
    NOTE = "note"
    """Context."""


class Outcome(StrEnum):
    """What a rule, or the whole clip, comes to. "Could not tell" is never "pass"."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence that can be told in every language of the product.

    The template is the English sentence and at once the key of its translations (gettext's *msgid*);
    `values` fill its `str.format` fields.
    """

    template: str
    values: Mapping[str, Scalar] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values)


@dataclass(frozen=True, slots=True)
class Footage:
    """One clip as it lies in the store, identified by its content."""

    path: Path
    sha256: str
    bytes: int
    modified_ns: int = 0
    """When the file was last changed, in nanoseconds since 1970, as the store said when it was hashed."""

    def is_unchanged(self) -> bool:
        """Tell whether the file still has the size and the time of change that it had when it was hashed."""
        now = self.path.stat()
        return (now.st_size, now.st_mtime_ns) == (self.bytes, self.modified_ns)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of the clip's own presentation timeline.

    A cut between two pictures has `start_s` = the last picture before, `stop_s` = the first picture after.
    Frame numbers are rows of the `frames` table, never clocks; None where the span has no pictures.
    """

    start_s: float
    stop_s: float
    first_frame: int | None = None
    stop_frame: int | None = None

    def __post_init__(self) -> None:
        if not self.start_s <= self.stop_s:
            raise ValueError(f"span ends before it starts: {self.start_s} .. {self.stop_s}")


@dataclass(frozen=True, slots=True)
class Curve:
    """A measured column that a finding rests on, with the threshold that it crossed (None: none)."""

    column: str
    """`table.column`, as in `pipeline/features/schema.py`."""
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, where, how sure, and by whom.

    A detector fills the fields down to `curves`; fusion and runner stamp the rest, so that a detector cannot forget it.
    """

    kind: str
    level: Level
    span: Span
    message: Message
    score: float | None = None
    """Calibrated probability, 0 to 1, that the finding is true; None where no calibration exists."""
    evidence: Evidence = field(default_factory=dict)
    """Numbers and words that a reader can check."""
    curves: tuple[Curve, ...] = ()
    grounds: tuple[Finding, ...] = ()
    """What other detectors told of the same break; joined by `pipeline/fusion.py`."""
    id: str = ""
    detector: str = ""
    version: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The message in English."""
        return str(self.message)


@dataclass(frozen=True, slots=True)
class Examined:
    """What was looked at, claims of the header apart from what was counted; None where nothing is claimed."""

    packets: int = 0
    frames_in_header: int | None = None
    frames_decoded: int = 0
    frames_failed: int = 0
    audio_s: float = 0.0
    speech_s: float = 0.0
    """Seconds of sound, from the start, in which speech was looked for."""
    pictures_read: int = 0
    """Pictures in which text was looked for."""
    gaps: tuple[Message, ...] = ()
    """What could not be examined, and why. Empty: everything was."""
    isolation: Mapping[str, int] = field(default_factory=dict)
    """What was in force while the clip was decoded, layer → version (`pipeline.media.sandbox`)."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One clause of a regulation, judged on one clip."""

    id: str
    article: str
    text: str
    gloss: str
    outcome: Outcome
    reason: Message
    findings: tuple[str, ...] = ()


class Table(Mapping[str, Column]):
    """Read-only, equally long NumPy columns by name.

    Unknown numbers are NaN (integer columns that have unknowns come as float64), unknown texts are None in an
    object column. What each column means stands in `pipeline/features/schema.py`.

    Raises
    ------
    ValueError
        If the columns differ in length.
    """

    __slots__ = ("_columns", "_rows")

    def __init__(self, columns: Mapping[str, Any]) -> None:
        kept: dict[str, Column] = {}
        for name, values in columns.items():
            view = np.asarray(values).view()
            view.flags.writeable = False
            kept[name] = view
        lengths = {len(column) for column in kept.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns differ in length: { {name: len(c) for name, c in kept.items()} }")
        self._columns = MappingProxyType(kept)
        self._rows = lengths.pop() if lengths else 0

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """Count the columns; `rows` counts the rows."""
        return len(self._columns)

    def __reduce__(self) -> tuple[type[Table], tuple[dict[str, Column]]]:
        return Table, (dict(self._columns),)

    @property
    def rows(self) -> int:
        """How many rows every column has."""
        return self._rows

    def where(self, mask: NDArray[np.bool_]) -> Table:
        """Return the rows for which `mask` (bool, shape (rows,)) holds."""
        return Table({name: column[mask] for name, column in self._columns.items()})


@dataclass(frozen=True, slots=True)
class Features:
    """Everything that was measured on one clip: tables by name.

    A table that is there with no rows was looked for and nothing was found; a table that is absent was not measured.
    """

    tables: Mapping[str, Table] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self.tables

    def has(self, column: str) -> bool:
        """Tell whether `table.column` was measured."""
        table, _, name = column.partition(".")
        return table in self.tables and name in self.tables[table]

    def duration_s(self) -> float:
        """End of the presentation timeline in seconds: the last picture or sound that is shown; 0.0 if none."""
        ends = [0.0]
        for name in ("frames", "sound"):
            if name in self.tables and self.tables[name].rows:
                table = self.tables[name]
                ends.append(float(np.nanmax(table["time_s"] + np.nan_to_num(table["duration_s"]))))
        return max(ends)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A detector that did not run because columns that it needs were not measured."""

    detector: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TunedOn:
    """The clips that parameters were tuned on, or that their result was measured on."""

    clips: int
    sha256: str
    """Of the clips' SHA-256 in ascending order, a line each."""
    sources: int
    """Takes that the clips were made from."""
    hours: float
    labels: Mapping[str, int]
    """Origin of labels (forge, truth, review) → how many of them."""


@dataclass(frozen=True, slots=True)
class TunedResult:
    """What tuned parameters come to for one kind of finding, on clips that they were not tuned on; 95 % intervals."""

    kind: str
    """ "all": all kinds together."""
    found: int
    of: int
    right: int
    """Of the findings that were told, so many are true."""
    told: int
    recall_low: float
    recall_high: float
    precision_low: float
    precision_high: float
    f1: float | None = None
    """None: nothing was to be found, and nothing was told."""
    f1_low: float | None = None
    f1_high: float | None = None


@dataclass(frozen=True, slots=True)
class Criterion:
    """By what values of parameters were chosen."""

    section: str
    values: Mapping[str, Any]
    """Parameter → value."""
    highest: str
    """f1, recall or precision; likelihood: a model was fitted."""
    kind: str
    """Of this kind of finding; "all": of all that were scored."""
    alarms_an_hour: float | None = None
    """Among tries with no more false alarms an hour than this; None: among all."""
    sure: bool = False
    """The upper end of the interval of false alarms was to be no more than that."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """Who tuned parameters, when, on what, and with which result: stands with them in the settings file."""

    by: str
    at: str
    """ISO 8601, with its zone."""
    tool: str
    """Version of the product."""
    criteria: tuple[Criterion, ...]
    """By what each was chosen, in the order in which that was done."""
    kinds: tuple[str, ...]
    """Kinds of finding that were scored."""
    least: str
    """Lowest level of a finding that counted."""
    tolerance_s: float
    """How near to a label a finding of it must lie."""
    parameters_sha256: str
    """Of the parameters that this is true of: `pipeline.settings.parameters_sha256`."""
    tune: TunedOn
    held_out: TunedOn
    """What the results were measured on; no source of it is one of `tune`."""
    results: tuple[TunedResult, ...]
    alarms: int
    """False alarms on footage of which all is known."""
    alarm_hours: float
    """Length of that footage."""
    alarms_low: float
    """False alarms an hour are at least so many, with 97.5 % confidence."""
    alarms_high: float
    """False alarms an hour are at most so many, with 97.5 % confidence."""


@dataclass(frozen=True, slots=True)
class Examination:
    """All that one scan of one clip came to: what the JSON, the report and the exit code are made from."""

    footage: Footage
    profile: str
    features: Features
    examined: Examined
    findings: tuple[Finding, ...]
    rules: tuple[RuleResult, ...]
    verdict: Outcome
    skipped: tuple[Skipped, ...] = ()
    unreadable: Message | None = None
    """Why nothing of the clip could be examined, and what to do; None if something could."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Name → version of the tool, its libraries and its models."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Every parameter of every stage as it was used: section → name → value."""
    tuned: Tuned | None = None
    """Where parameters were tuned: who did it, on what, and with which result."""
    sound: Path | None = None
    """The sound (16 kHz mono FLAC, starting at 0 s of the presentation timeline), if any."""
