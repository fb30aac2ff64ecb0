"""Connections to MongoDB: bounded waits, confirmed writes, and waiting for an engine that is not there yet."""

import asyncio
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import pymongo
import structlog
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError

from service_kit.docstore.mongo_errors import as_ours, in_our_words
from service_kit.docstore.mongo_records import Content
from service_kit.docstore.port import StoreUnavailable
from service_kit.errors import Refused

T = TypeVar("T")
Client = AsyncMongoClient[Content]
Database = AsyncDatabase[Content]

_POLL_SECONDS = 0.1
_REACH_SECONDS = 5.0
"""So long a call may wait for a member that takes it: a replica set has elected one by then, or will not soon."""

_PROBE_SECONDS = 2.0
_NOTICE_SECONDS = 5.0
_PROMISED: dict[str, Any] = {"w": "majority", "journal": True, "tz_aware": True}
"""What no URL may weaken: what is answered DONE survives the loss of any one member."""

log = structlog.get_logger(__name__)


def open_client(url: str, *, timeout_seconds: float, tries_until_then: bool = True) -> Client:
    """A client of the running event loop; it connects when it is first asked. Options in the URL win where they may.

    `timeout_seconds` bounds a call with all that the driver tries again, or, unless it `tries_until_then`, one answer.

    Raises:
        Refused: the URL can't be used.
    """
    named = {name.lower() for name, _ in parse_qsl(urlsplit(url).query)}
    reach_milliseconds = round(min(timeout_seconds, _REACH_SECONDS) * 1000)
    defaults: dict[str, Any] = {
        "timeoutMS" if tries_until_then else "socketTimeoutMS": round(timeout_seconds * 1000),
        "serverSelectionTimeoutMS": reach_milliseconds,
        "connectTimeoutMS": reach_milliseconds,
        "readConcernLevel": "majority",
        "appname": "deskbus",
    }
    chosen = {name: value for name, value in defaults.items() if name.lower() not in named}
    try:
        with warnings.catch_warnings():
            # The driver would warn of an option that it does not know and go without: without TLS, for example.
            warnings.simplefilter("error", UserWarning)
            return AsyncMongoClient(url, **chosen, **_PROMISED)
    except (InvalidURI, ConfigurationError, ValueError, UserWarning) as error:
        # Not chained and not quoted: the URL holds a password.
        raise Refused(f"the store URL is no MongoDB URL ({type(error).__name__})") from None


async def wait_until_ready(client: Client, *, ready_timeout_seconds: float) -> None:
    """Wait until the engine answers, and say so in the log meanwhile.

    Raises:
        StoreUnavailable: it did not in time.
        Refused: it answered, and does not let us in.
    """
    clock = asyncio.get_running_loop().time
    began = noticed = clock()
    while True:
        try:
            with pymongo.timeout(min(_PROBE_SECONDS, ready_timeout_seconds)):
                await client.admin.command("ping")
        except PyMongoError as error:
            ours = as_ours(error)
            if not isinstance(ours, StoreUnavailable):
                raise (ours or error) from error
            if clock() - began >= ready_timeout_seconds:
                raise StoreUnavailable(f"MongoDB did not answer within {ready_timeout_seconds:g} s: {ours}") from error
            if clock() - noticed >= _NOTICE_SECONDS:
                noticed = clock()
                log.warning("waiting_for_engine", engine="mongodb", seconds=round(noticed - began))
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return


class MongoAccess:
    """The open client and the calls that use it.

    Each call is a task of its own: a caller that is cancelled leaves it alone. The driver would lose a cancellation
    that arrives while it connects, with the socket, and give up the connection on any other.
    """

    def __init__(self, database: str) -> None:
        self._name = database
        self._client: Client | None = None
        self._calls: set[asyncio.Task[Any]] = set()

    @property
    def is_open(self) -> bool:
        """Whether anything may be asked."""
        return self._client is not None

    def open(self, client: Client) -> None:
        """Take calls from now on."""
        self._client = client

    async def run(self, call: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
        """What `call` returned. A caller that is cancelled does not know whether its call happened.

        Raises:
            StoreUnavailable: the store does not run, or the engine did not confirm.
            Refused: it does not let us in.
        """
        if self._client is None:
            raise StoreUnavailable("the store is not running")
        task = asyncio.create_task(call(self._client[self._name]))
        self._calls.add(task)
        task.add_done_callback(self._end)
        with in_our_words():
            return await asyncio.shield(task)

    def _end(self, task: asyncio.Task[Any]) -> None:
        """Forget a call. Its failure is its caller's, and one that is gone has said why itself."""
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()

    async def close(self) -> None:
        """Refuse new calls at once, let those in flight finish, and disconnect."""
        client, self._client = self._client, None
        if client is None:
            return
        if self._calls:
            await asyncio.wait(self._calls)
        await client.close()
