"""The few errors that stop the work, and the exit codes that are a promise to scripts."""

from enum import IntEnum


class IntegrityError(Exception):
    """Base of every error this product raises on purpose; its text says what to do.

    The one argument is a sentence, or a `pipeline.model.Message` where it is to be told in the reader's language.
    """


class FootageError(IntegrityError):
    """A clip of which nothing can be examined: no footage, or none that can be read."""


class SettingsError(IntegrityError):
    """A settings file, profile or case record that cannot be used as it stands."""


class ModelError(IntegrityError):
    """Weights that are missing, incomplete or not the ones that were expected."""


class ExitCode(IntEnum):
    """Exit codes of `unbroken`; `docs/contract.md` states them for scripts."""

    ALL_PASSED = 0
    INTERNAL_ERROR = 1
    BAD_ARGUMENTS = 2
    UNREADABLE = 3
    UNDECIDED = 10
    FAILED = 11


GRAVEST_FIRST = (ExitCode.INTERNAL_ERROR, ExitCode.FAILED, ExitCode.UNREADABLE, ExitCode.UNDECIDED)
"""Which code a scan of several clips ends with: the first of these that any clip gave, else `ALL_PASSED`."""
