"""Fetching a picture for an agent who asks for it: by us, not by their browser, and only one that the message shows."""

import asyncio
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin

from service_kit.problem import Problem
from service_kit.settings import PlatformSettings
from service_kit.ssrf import GuardedHttp, GuardedResponse, PeerUnavailable, ResponseTooLarge
from tickets.reshaping.split import in_thread
from tickets.ticket.desk import Desk
from tickets.ticket.message_store import MessageStore
from tickets.ticket.ticket_problems import no_such
from tickets.writing.remote_images import image_type, remote_images

_MAX_IMAGE_BYTES = 5 * 1024 * 1024
_SECONDS = 10.0
_AT_ONCE = 8
_MOST_REQUESTS = 4
"""The picture's own address, and three redirects; each of them passes the guard."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_HEADERS = {"Accept": "image/png, image/jpeg, image/gif, image/webp", "User-Agent": "Deskbus"}


@dataclass(frozen=True, slots=True)
class Image:
    """A picture and what it is."""

    content_type: str
    data: bytes


class ImageFetching:
    """The use case behind `…/images`."""

    def __init__(self, desk: Desk, messages: MessageStore, settings: PlatformSettings) -> None:
        self._desk = desk
        self._messages = messages
        self._allow_private = settings.allow_private_urls
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def fetch(self, account_id: str, ticket_id: str, message_id: str, url: str) -> Image:
        """The picture.

        Raises:
            Problem: the message does not show it, or no picture comes.
            ForbiddenAddress: it is not on the public internet.
        """
        ticket = await self._desk.load(account_id, ticket_id)
        message = (await self._messages.get_many([message_id])).get(message_id)
        if message is None or not in_thread(ticket, message) or url not in remote_images(message.html):
            raise no_such("image")
        try:
            async with self._places, asyncio.timeout(_SECONDS):
                answer = await self._follow(url)
        except (PeerUnavailable, ResponseTooLarge, TimeoutError) as error:
            raise _unavailable(type(error).__name__) from error
        if answer.status != _OK:
            raise _unavailable(f"its server answers {answer.status}")
        content_type = image_type(answer.body)
        if content_type is None:
            raise Problem(502, "not_an_image", "What the server sends is no PNG, JPEG, GIF or WebP picture.")
        return Image(content_type, answer.body)

    @cached_property
    def _http(self) -> GuardedHttp:
        # Made when the first picture is asked for: reading the certificates of the world takes its time.
        return GuardedHttp(
            allow_private=self._allow_private, timeout_seconds=_SECONDS, max_response_bytes=_MAX_IMAGE_BYTES
        )

    async def _follow(self, url: str) -> GuardedResponse:
        for _ in range(_MOST_REQUESTS):
            answer = await self._http.request("GET", url, headers=_HEADERS)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            url = urljoin(url, answer.headers["location"])
        raise _unavailable("it is redirected too often")


def _unavailable(why: str) -> Problem:
    return Problem(502, "image_unavailable", f"The picture cannot be had: {why}.")
