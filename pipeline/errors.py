"""The few errors that stop the work, and the exit codes that are a promise to scripts."""

from enum import IntEnum


class IntegrityError(Exception):
    """Base of every error this product raises on purpose; its text says what to do."""


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
