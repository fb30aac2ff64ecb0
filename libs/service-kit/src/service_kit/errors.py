"""Every error of ours is one of two kinds: it may pass if tried again, or it never will."""


class DeskbusError(Exception):
    """Root of all errors that this project raises."""


class TransientError(DeskbusError):
    """Trying again later may succeed: an engine is down, a lock is held, a copy has not arrived yet."""


class PermanentError(DeskbusError):
    """Trying again changes nothing: the input itself is wrong. A record that raises it is dead-lettered.

    `code` is stable and public; it becomes the dead letter's `dlq_reason` and the problem's `code`.
    """

    code = "permanent"


class Unavailable(TransientError):
    """An engine (bus, store, blobs, disk) cannot take anything now. Doors answer 451 or 503."""


class Refused(DeskbusError):
    """An engine answers and does not let us in: wrong credentials, missing rights. Somebody must change settings."""


class ReaderGone(TransientError):
    """Whoever asked takes nothing of a long answer any more, so that its connection is cut. They may ask again."""
