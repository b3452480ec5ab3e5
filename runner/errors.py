"""What stops a run, and the exit code each stop has (docs/exit-codes.md)."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes: a stable part of the command line."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    BUG = 3
    REFUSED = 4
    REJECTED = 5
    IN_DOUBT = 6
    BIRD_REFUSED = 7
    LOCKED = 8
    LEDGER = 9
    PENDING = 10
    STOPPED = 11
    INTERRUPTED = 130


class FlypastError(Exception):
    """An expected end of the run: what happened in plain words, and what to do about it."""

    exit_code = Exit.BUG

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FlypastError):
    """The command line asks for something that can't be."""

    exit_code = Exit.USAGE


class Refused(FlypastError):
    """A guard said no before anything was sent."""

    exit_code = Exit.REFUSED


class NotReady(FlypastError):
    """What was looked up at Bird does not let the run begin: 4, 7 or 11."""

    def __init__(self, message: str, *, exit_code: Exit, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class Locked(FlypastError):
    """Another run holds this manifest."""

    exit_code = Exit.LOCKED


class LedgerFault(FlypastError):
    """The ledger or the disk can't be trusted: nothing more is sent."""

    exit_code = Exit.LEDGER
