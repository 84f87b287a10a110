"""One clip to its transcript: measure it, lay out what was said, write the files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from pipeline import measuring, stages
from pipeline.case import case_of
from pipeline.errors import ExitCode, FootageError, SettingsError
from pipeline.features.cache import Cache
from pipeline.language import Language
from pipeline.model import Message
from pipeline.settings import Settings
from transcripts import files, wording
from transcripts.document import Making, document, sound_gaps, with_lines
from transcripts.subtitles import WRITERS


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of every transcript of a run."""

    out: Path
    forms: tuple[str, ...]
    by: str | None = None
    """Who makes it; None: the program by itself."""
    confirmed_by: str | None = None
    """Who confirms it; None: nobody, it is a draft."""

    def checked(self) -> Wish:
        """Return the wish without blanks around names.

        Raises
        ------
        SettingsError
            If a form does not exist, or a name is blank.
        """
        for form in self.forms:
            if form not in WRITERS:
                raise SettingsError(Message(wording.UNKNOWN_FORMAT, {"format": form, "known": ", ".join(WRITERS)}))
        names = {"by": self.by, "confirmed_by": self.confirmed_by}
        given = {field: " ".join(name.split()) for field, name in names.items() if name is not None}
        for field, name in given.items():
            if not name:
                option = {"by": "--made-by", "confirmed_by": "--confirmed-by"}[field]
                raise SettingsError(Message(wording.NO_NAME, {"option": option}))
        return replace(self, by=given.get("by"), confirmed_by=given.get("confirmed_by"))


@dataclass(frozen=True, slots=True)
class Written:
    """What came of one clip."""

    paths: tuple[Path, ...] = ()
    notes: tuple[Message, ...] = ()
    code: ExitCode = ExitCode.ALL_PASSED


def transcribe(
    path: Path,
    wish: Wish,
    spoken: Language,
    cache: Cache,
    settings: Settings,
    progress: measuring.Progress = measuring.silent,
    clips: Collection[Path] = (),
) -> Written:
    """Write the transcript of one clip; the clip is opened read-only.

    With a confirmation, the SRT file that stands in the folder is the text that is confirmed: a person may have
    corrected it.

    Parameters
    ----------
    path : Path
    wish : Wish
    spoken : Language
        Of all that stands beside what was said.
    cache : Cache
    settings : Settings
    progress : callable
    clips : collection of Path
        Evidence that nothing is written over.

    Raises
    ------
    FootageError
        If nothing of the clip can be examined.
    SettingsError
        If its files cannot be written, or must not.
    """
    footage, case = measuring.identify(path, progress), case_of(path)
    confirmed = wish.confirmed_by is not None
    target = partial(files.target, wish.out, footage, wish.forms, confirmed=confirmed, clips=[path, *clips])
    target()  # what must not be written is better said now than after an hour
    features, unreadable = measuring.listen(footage, settings, cache, progress)
    if unreadable is not None:
        raise FootageError(unreadable)
    gaps = sound_gaps(features)
    not_listened = Message(wording.NOT_LISTENED, {"path": str(path)})
    if "voice" in features and "words" not in features:  # somebody speaks, and there is no recogniser
        return Written(notes=(not_listened, *gaps), code=ExitCode.BAD_ARGUMENTS)
    if "voice" not in features and gaps:
        return Written(notes=(not_listened, *gaps), code=ExitCode.UNREADABLE)
    progress("transcript", 0.0)
    chosen = target()
    making = Making(
        at=datetime.now().astimezone().isoformat(timespec="seconds"),
        by=wish.by,
        confirmed_by=wish.confirmed_by,
        versions={name: version for name, version in stages.versions(settings).items() if name in _LIBRARIES},
    )
    made = document(footage, case, features, making)
    notes: list[Message] = []
    if confirmed and (corrected := chosen.corrected(made)) is not None:
        made = with_lines(made, corrected)
        notes.append(Message(wording.TAKEN_OVER, {"path": str(chosen.path("srt"))}))
    paths, kept = files.write(chosen, {form: WRITERS[form](made, spoken) for form in chosen.forms})
    return Written(tuple(paths), (*notes, *kept))


_LIBRARIES: Sequence[str] = (
    *("unbroken", "openai-whisper", "torch", "faster-whisper", "ctranslate2"),
    *("whisper-weights", "silero-vad", "opencc"),
)
"""What a transcript names as having made it."""
