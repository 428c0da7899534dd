"""Why there is no clean copy, as it is told by the exit status; `sandbox.ts` reads it."""

UNREADABLE = 10
NOT_CLEANABLE = 11
TOO_LARGE = 12


class Unreadable(Exception):
    """The file is broken, locked by a password, or not what it seems to be."""


class NotCleanable(Exception):
    """Something in the file cannot be cleaned."""


class TooLarge(Exception):
    """It unpacks to more than there is room for."""
