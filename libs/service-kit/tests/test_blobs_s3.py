"""The promises of blobs, on both kinds of store; and the requests that an S3 bucket gets and answers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from obstore.store import LocalStore

from service_kit.blobs import BlobMissing, Blobs, BlobsUnavailable, FolderBlobs, InvalidBlobKey
from service_kit.blobs_s3 import ObjectBlobs, S3Blobs
from service_kit.errors import Refused

KEY = "acc_1/mail/raw:1"
BODY = bytes(range(256)) * 100
_MISSING = b"<Error><Code>NoSuchKey</Code></Error>"
_DENIED = b"<Error><Code>SignatureDoesNotMatch</Code></Error>"


class Bucket:
    """A server of the test that keeps objects by path, and what it was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.heads: list[str] = []
        self.status = "200 OK"
        self.port = 0

    @property
    def url(self) -> str:
        """What a deployment would configure."""
        return f"s3://key:a-secret@deskbus/blobs?endpoint=http://127.0.0.1:{self.port}&region=eu-west-3"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        self.asked.append((method, path))
        self.heads.append(head)
        status, answer = self._answer(method, path, body)
        writer.write(
            f'HTTP/1.1 {status}\r\nContent-Length: {len(answer)}\r\nETag: "1"\r\n'
            "Last-Modified: Sun, 22 Nov 2026 12:00:00 GMT\r\nConnection: close\r\n\r\n".encode()
            + answer
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _answer(self, method: str, path: str, body: bytes) -> tuple[str, bytes]:
        if not self.status.startswith("200"):
            return self.status, _DENIED
        if method == "PUT":
            self.objects[path] = body
            return self.status, b""
        if method == "DELETE":
            self.objects.pop(path, None)
            return "204 No Content", b""
        return (self.status, self.objects[path]) if path in self.objects else ("404 Not Found", _MISSING)


@pytest_asyncio.fixture
async def bucket() -> AsyncIterator[Bucket]:
    """A bucket that holds nothing."""
    bucket = Bucket()
    server = await asyncio.start_server(bucket.serve, "127.0.0.1", 0)
    bucket.port = server.sockets[0].getsockname()[1]
    async with server:
        yield bucket


@pytest.fixture(params=["folder", "object store", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, bucket: Bucket) -> Blobs:
    """Every implementation of the port."""
    match request.param:
        case "folder":
            return FolderBlobs(tmp_path)
        case "object store":
            return ObjectBlobs(LocalStore(tmp_path))
        case _:
            return S3Blobs(bucket.url)


async def test_gives_back_what_was_put(blobs: Blobs) -> None:
    """Bytes come back as they were; putting the same again, as a redelivery does, is harmless (I4)."""
    await blobs.put(KEY, BODY)
    await blobs.put(KEY, BODY)
    await blobs.put("acc_1/mail/empty", b"")

    assert await blobs.get(KEY) == BODY
    assert await blobs.get("acc_1/mail/empty") == b""


async def test_what_is_deleted_is_missing(blobs: Blobs) -> None:
    """Deleting removes, deleting nothing is harmless, and reading nothing is an error that no retry mends."""
    await blobs.put(KEY, b"mail")
    await blobs.delete(KEY)
    await blobs.delete(KEY)

    for key in (KEY, "acc_1/mail/never"):
        with pytest.raises(BlobMissing):
            await blobs.get(key)


@pytest.mark.parametrize("key", ["", "acc_1", "/etc/passwd", "acc_1/../../etc/passwd", "acc_1//raw", "acc_1/mail/r\n"])
async def test_keys_are_plain(blobs: Blobs, key: str) -> None:
    """No key can name anything outside its folder or prefix (S4)."""

    with pytest.raises(InvalidBlobKey):
        await blobs.put(key, b"x")
    with pytest.raises(InvalidBlobKey):
        await blobs.get(key)
    with pytest.raises(InvalidBlobKey):
        await blobs.delete(key)


async def test_requests(bucket: Bucket) -> None:
    """One signed request for each call, below the prefix, and a put is one PUT of the whole content."""
    blobs = S3Blobs(bucket.url)
    await blobs.put(KEY, BODY)
    await blobs.get(KEY)
    await blobs.delete(KEY)

    assert [(method, path.replace("%3A", ":")) for method, path in bucket.asked] == [
        (method, f"/deskbus/blobs/{KEY}") for method in ("PUT", "GET", "DELETE")
    ]
    assert all("credential=key/" in head.lower() and "/eu-west-3/s3/" in head for head in bucket.heads)
    assert not any("a-secret" in head for head in bucket.heads)


async def test_a_bucket_in_trouble(bucket: Bucket) -> None:
    """A bucket that fails, or is away, is a passing trouble: nothing may be acknowledged to a sender."""
    bucket.status = "503 Slow Down"
    failing = S3Blobs(bucket.url, timeout_seconds=0.5)
    away = S3Blobs("s3://k:s@deskbus?endpoint=http://127.0.0.1:9", timeout_seconds=0.5)

    for blobs in (failing, away):
        for attempt in (blobs.put(KEY, b"mail"), blobs.get(KEY), blobs.delete(KEY)):
            with pytest.raises(BlobsUnavailable):
                await attempt


async def test_wrong_credentials(bucket: Bucket) -> None:
    """A bucket that does not let us in needs somebody to change settings; the secret is not repeated."""
    bucket.status = "403 Forbidden"

    with pytest.raises(Refused, match="does not let us in") as raised:
        await S3Blobs(bucket.url).put(KEY, b"mail")
    assert "a-secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["s3://", "https://bucket/x", "s3://b?endpont=http://h", "s3://k:a-secret@b?acl=public"]
)
def test_urls_that_are_none(url: str) -> None:
    """A URL that cannot be used is refused at once, in one sentence without the secret in it."""

    with pytest.raises(Refused, match="s3://bucket/prefix") as raised:
        S3Blobs(url)
    assert "a-secret" not in str(raised.value)
