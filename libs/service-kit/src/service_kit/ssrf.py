"""The one way out to addresses that an account chose: webhooks, media, provider APIs.

A name is resolved once, every address it has must be allowed, and the connection goes to the address that was
checked, so that a name cannot change its mind in between. Redirects are answers, never followed.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from service_kit.errors import PermanentError, TransientError
from service_kit.peer_addresses import is_allowed

_LONGEST_URL = 2048
_LARGEST_PORT = 65535
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_RESOLVER_THREADS = 8
_RESOLVE_SECONDS = 5.0
_ADDRESSES_TRIED = 3
"""Each gets its share of the time limit to connect, so that a dead first one does not use up all of it."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name, best first."""


class ForbiddenAddress(PermanentError):
    """The URL is not one we call: its scheme, port, user part or one of the addresses it leads to."""

    code = "forbidden_address"


class MalformedRequest(PermanentError):
    """Headers or method that HTTP does not allow, such as a line break in a value."""

    code = "malformed_request"


class ResponseTooLarge(PermanentError):
    """The peer sent more than the limit; nothing of it is used."""

    code = "response_too_large"


class PeerUnavailable(TransientError):
    """The peer could not be found or reached, or did not finish in time.

    `may_have_arrived`: the request was on its way, and nobody can tell whether the peer acted on it.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True, slots=True)
class GuardedResponse:
    """What the peer answered. `body` is as sent: a peer that compresses against our wish is not unpacked."""

    status: int
    headers: httpx.Headers
    body: bytes


class Resolver:
    """The system's resolver on threads of its own, so that a slow name server blocks nobody's file access."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_RESOLVER_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """All addresses of `host`, in the order the system prefers them."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                found = await loop.run_in_executor(self._threads, self._lookup, host, port)
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            raise PeerUnavailable(f"the name {host!r} cannot be resolved") from error
        return found

    @staticmethod
    def _lookup(host: str, port: int) -> list[str]:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in answers))


class GuardedHttp:
    """An HTTP client for foreign URLs. Keeps no connection, cookie or proxy between requests."""

    def __init__(
        self,
        *,
        allow_private: bool,
        timeout_seconds: float = 10,
        max_response_bytes: int = 1_048_576,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._timeout_seconds = timeout_seconds
        self._max_response_bytes = max_response_bytes
        self._resolve = resolve or Resolver()
        self._tls = tls or httpx.create_ssl_context(trust_env=False)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: tuple[str, str] | None = None,
    ) -> GuardedResponse:
        """One request, from look-up to last byte within the time limit.

        Raises:
            ForbiddenAddress: the URL or an address behind it is not allowed.
            MalformedRequest: the headers or the method cannot be sent.
            ResponseTooLarge: the answer is longer than the limit.
            PeerUnavailable: no complete answer came.
        """
        target = _checked_url(url)
        sendable = self._request(method, target, headers or {}, content)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                addresses = await self._addresses(target)
                return await self._send(sendable, addresses, auth)
        except httpx.LocalProtocolError as error:
            raise MalformedRequest("the request breaks the rules of HTTP, such as a line break in a header") from error
        except TimeoutError as error:
            reason = f"{target.host} did not finish within {self._timeout_seconds} s"
            raise PeerUnavailable(reason, may_have_arrived=True) from error
        except httpx.TransportError as error:
            was_connected = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            reason = f"{target.host} did not answer: {type(error).__name__}"
            raise PeerUnavailable(reason, may_have_arrived=was_connected) from error

    @staticmethod
    def _request(method: str, target: httpx.URL, headers: Mapping[str, str], content: bytes | None) -> httpx.Request:
        try:
            request = httpx.Request(method, target, headers=headers, content=content)
        except (UnicodeError, ValueError) as error:
            raise MalformedRequest("a header or the method holds characters that HTTP does not allow") from error
        request.headers["Host"] = target.netloc.decode("ascii")
        request.headers["Accept-Encoding"] = "identity"
        return request

    async def _addresses(self, target: httpx.URL) -> Sequence[str]:
        """Where the URL leads; one forbidden address forbids the name, whatever else it has."""
        host = target.raw_host.decode("ascii")
        addresses = await self._resolve(host, _port(target))
        if not addresses:
            raise PeerUnavailable(f"the name {host!r} has no address")
        if not all(is_allowed(address, allow_private=self._allow_private) for address in addresses):
            raise ForbiddenAddress(f"{host} leads to an address that must not be called")
        return addresses

    async def _send(
        self, request: httpx.Request, addresses: Sequence[str], auth: tuple[str, str] | None
    ) -> GuardedResponse:
        """Try some addresses in order until one accepts the connection; after that nothing is sent twice."""
        *earlier, last = addresses[:_ADDRESSES_TRIED]
        for address in earlier:
            try:
                return await self._send_to(request, address, auth)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._send_to(request, last, auth)

    async def _send_to(self, request: httpx.Request, address: str, auth: tuple[str, str] | None) -> GuardedResponse:
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            content=request.content,
            extensions={"sni_hostname": request.url.raw_host.decode("ascii").rstrip(".")},
        )
        transport = httpx.AsyncHTTPTransport(
            verify=self._tls, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        timeout = httpx.Timeout(self._timeout_seconds, connect=self._timeout_seconds / _ADDRESSES_TRIED)
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=timeout
        ) as client:
            answer = await client.send(pinned, auth=auth, stream=True)
            try:
                return GuardedResponse(answer.status_code, answer.headers, await self._body(answer))
            finally:
                await answer.aclose()

    async def _body(self, answer: httpx.Response) -> bytes:
        """The raw body; the declared length is not believed, the received bytes are counted."""
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > self._max_response_bytes:
                raise ResponseTooLarge(f"the answer is longer than {self._max_response_bytes} bytes")
        return bytes(body)


def _port(target: httpx.URL) -> int:
    return _DEFAULT_PORTS[target.scheme] if target.port is None else target.port


def _checked_url(url: str) -> httpx.URL:
    """The URL, if its form is one we call.

    Raises:
        ForbiddenAddress: it is not.
    """
    if len(url) > _LONGEST_URL:
        raise ForbiddenAddress(f"a URL may have {_LONGEST_URL} characters")
    try:
        target = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ForbiddenAddress("this is not a URL") from error
    if target.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(target.raw_host.decode("ascii")):
        raise ForbiddenAddress("only http and https URLs with a host are called")
    if target.userinfo:
        raise ForbiddenAddress("a URL must not carry a user name or password")
    if not 1 <= _port(target) <= _LARGEST_PORT:
        raise ForbiddenAddress("a port is 1 to 65535")
    return target
