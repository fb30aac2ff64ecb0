"""MongoDB's errors in the port's words: who must act on them is decided here and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError, WriteConcernError
from pymongo.errors import DocumentTooLarge as BsonTooLarge

from service_kit.docstore.port import DocumentTooLarge, StoreUnavailable
from service_kit.errors import DeskbusError, Refused

DUPLICATE_KEY = frozenset({11000, 11001})

_REFUSING = frozenset({8000, 11, 13, 18, 334})
"""AtlasError, UserNotFound, Unauthorized, AuthenticationFailed, MechanismUnavailable."""

_PASSING = frozenset(
    {
        1,  # InternalError
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        43,  # CursorNotFound
        50,  # MaxTimeMSExpired
        64,  # WriteConcernFailed
        79,  # UnknownReplWriteConcern
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        100,  # UnsatisfiableWriteConcern
        112,  # WriteConflict
        134,  # ReadConcernMajorityNotAvailableYet
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        262,  # ExceededTimeLimit
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11601,  # Interrupted
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace
    }
)
_TEXT_CHARACTERS = 300


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise the port's error for each of MongoDB's that is not a mistake of ours."""
    try:
        yield
    except PyMongoError as error:
        ours = as_ours(error)
        if ours is None:
            raise
        raise ours from error


def as_ours(error: PyMongoError) -> DeskbusError | None:
    """The port's error; None for mistakes of ours."""
    if isinstance(error, BsonTooLarge):
        return DocumentTooLarge("a document is larger than MongoDB takes")
    if isinstance(error, BulkWriteError):
        return _of_bulk(error)
    if isinstance(error, OperationFailure) and error.code in _REFUSING:
        return Refused(f"MongoDB does not let us in: {_name(error)}; check the user and the rights in the store URL")
    away = isinstance(error, ConnectionFailure | WriteConcernError) or error.timeout
    if away or (isinstance(error, OperationFailure) and error.code in _PASSING):
        return StoreUnavailable(f"MongoDB did not confirm: {_name(error)}")
    return None


def _of_bulk(error: BulkWriteError) -> DeskbusError | None:
    concerns = error.details.get("writeConcernErrors", [])
    if concerns:
        return StoreUnavailable(f"MongoDB did not confirm: write concern error {concerns[-1].get('code')}")
    codes = {one.get("code") for one in error.details.get("writeErrors", [])} - DUPLICATE_KEY
    if codes & _REFUSING:
        return Refused(f"MongoDB does not let us write: error {sorted(codes & _REFUSING)}; check the user's rights")
    if codes & _PASSING:
        return StoreUnavailable(f"MongoDB did not confirm: write error {sorted(codes & _PASSING)}")
    return None


def _name(error: PyMongoError) -> str:
    """What happened; of a server's own errors the code only, because their texts quote documents."""
    if isinstance(error, OperationFailure):
        return f"{(error.details or {}).get('codeName', type(error).__name__)} ({error.code})"
    return f"{type(error).__name__}: {str(error)[:_TEXT_CHARACTERS]}"
