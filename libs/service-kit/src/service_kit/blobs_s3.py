"""Raw mail and attachments in a bucket that speaks S3: the blobs of production."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, S3Store

from service_kit.blobs import BlobMissing, BlobsUnavailable, checked_key
from service_kit.errors import Refused

if TYPE_CHECKING:
    from obstore.store import S3Config  # not there at run time

_OPTIONS = frozenset({"endpoint", "region"})
_RETRIES = 2


class ObjectBlobs:
    """Objects in one store. A put is confirmed by the store, which keeps what it confirms."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes) -> None:
        """Store in one request; the same key again overwrites the same content."""
        path = checked_key(key)
        try:
            await self._store.put_async(path, data, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _ours(error, "stored") from error

    async def get(self, key: str) -> bytes:
        """Read the whole object."""
        path = checked_key(key)
        try:
            answer = await self._store.get_async(path)
            return bytes(await answer.bytes_async())
        except FileNotFoundError as error:
            raise BlobMissing("the blob is not there (any more)") from error
        except (BaseError, OSError) as error:
            raise _ours(error, "read") from error

    async def delete(self, key: str) -> None:
        """Remove the object; harmless if nothing is there."""
        path = checked_key(key)
        try:
            await self._store.delete_async(path)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _ours(error, "deleted") from error


class S3Blobs(ObjectBlobs):
    """Objects in the bucket at `s3://[key:secret@]bucket[/prefix][?endpoint=…&region=…]`.

    Without a key in the URL, the `AWS_*` variables and the machine's own role are asked. An endpoint over plain http
    is taken as it is written: for a peer beside us.

    Raises (on construction):
        Refused: the URL can't be used.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 10.0) -> None:
        super().__init__(_open(url, timedelta(seconds=timeout_seconds)))


def _open(url: str, timeout: timedelta) -> S3Store:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme != "s3" or not parts.hostname or set(options) - _OPTIONS:
        # Not quoted: it may hold a secret.
        raise Refused("the blobs URL is not of the form s3://bucket/prefix?endpoint=…&region=…")
    # Deletes in bulk are not for every peer that speaks S3, and we delete one at a time.
    config: dict[str, Any] = {**options, "disable_bulk_delete": True}
    if parts.username:
        config |= {"access_key_id": unquote(parts.username), "secret_access_key": unquote(parts.password or "")}
    try:
        return S3Store(
            parts.hostname,
            prefix=parts.path.strip("/") or None,
            config=cast("S3Config", config),
            client_options={
                "allow_http": options.get("endpoint", "").startswith("http://"),
                "connect_timeout": timeout,
                "timeout": timeout,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": timeout},
        )
    except (BaseError, ValueError) as error:
        raise Refused(f"the blobs URL can't be used ({type(error).__name__})") from None


def _ours(error: Exception, what: str) -> BlobsUnavailable | Refused:
    """Wrong credentials are for somebody to put right, all else may pass. Texts of the peer are not repeated."""
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return Refused("the bucket does not let us in: check the key, the secret and the rights of the blobs URL")
    return BlobsUnavailable(f"a blob could not be {what}: {type(error).__name__}")
