"""Who may come in, and what is refused, each in its own words, over real sockets."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import websockets

from contracts.inbound import ContactProfileGiven, InboundMessageReceived
from service_kit.admission import StorageFull
from service_kit.testing.eventually import eventually

Open = Callable[..., AbstractAsyncContextManager[Any]]


async def _refusal(chat: Any, **options: Any) -> tuple[int, str, str]:
    """Status, media type and code of the answer to a connection that must be refused."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with chat.visitor(**options):
            pass
    answer = refused.value.response
    problem = json.loads(answer.body)
    assert problem["status"] == answer.status_code
    return answer.status_code, answer.headers["content-type"], problem["code"]


@pytest.mark.parametrize("account", ["acc_unknown", ""])
async def test_an_unknown_account_is_not_found(chat: Any, account: str) -> None:
    """A widget with a wrong account gets a clear 404 before any websocket is opened."""

    assert await _refusal(chat, account=account) == (404, "application/problem+json", "not_found")


async def test_only_allowed_pages_may_embed_the_chat(chat: Any) -> None:
    """Our own pages always may, others when the account lists them, and scripts name no page (W7)."""
    own = f"http://127.0.0.1:{chat.port}"
    refused = await _refusal(chat, origin="https://shop.example")
    async with chat.visitor(origin=own) as visitor:
        await visitor.hello()
    await chat.settings(origins=["https://shop.example/"])
    async with chat.visitor(origin="https://shop.example") as visitor:
        await visitor.hello()

    assert refused == (403, "application/problem+json", "origin_not_allowed")
    assert (await _refusal(chat, origin="https://shop.example.evil.example"))[0] == 403
    assert (await _refusal(chat, origin="null"))[0] == 403


async def test_an_address_that_hammers_is_refused(open_chat: Open) -> None:
    """Connections of one address are limited (W7)."""
    async with open_chat(connections_per_minute=2) as chat:
        for _ in range(2):
            async with chat.visitor() as visitor:
                await visitor.hello()
        refused = await _refusal(chat)

    assert refused == (429, "application/problem+json", "rate_limited")


async def test_a_visitor_who_floods_is_told_and_loses_nothing(open_chat: Open) -> None:
    """Beyond the limit a frame is refused without an ack, over all sockets of the visitor (W7)."""
    async with open_chat(messages_per_10_seconds=2) as chat, chat.visitor() as visitor, chat.visitor() as tab:
        welcome = await visitor.hello()
        await visitor.say("c1", "1")
        await visitor.say("c2", "2")
        await visitor.send("message", client_id="c3", text="3")
        refused = await visitor.expect("error")
        await tab.hello(token=welcome["token"], seq=2)
        await tab.send("new")
        also_refused = await tab.expect("error")
        events = await chat.said(InboundMessageReceived, 2)

    assert (refused["code"], also_refused["code"]) == ("rate_limited", "rate_limited")
    assert [event.text for event in events] == ["1", "2"]


async def test_nothing_is_taken_while_there_is_no_room(open_chat: Open, exchanged: Callable[..., Any]) -> None:
    """When the disk is nearly full a frame is refused as unavailable and never acknowledged (I3)."""

    class Full:
        """A disk that is full until somebody makes room."""

        is_full = False

        def check(self) -> None:
            """Refuse."""
            if self.is_full:
                raise StorageFull("no room")

    admission = Full()
    async with open_chat(change=exchanged(admission=admission)) as chat, chat.visitor() as visitor:
        await visitor.hello()
        admission.is_full = True
        await visitor.send("message", client_id="c1", text="Hi")
        refused = await visitor.expect("error")
        admission.is_full = False
        seq = await visitor.say("c1", "Hi")

    assert refused["code"] == "unavailable"
    assert seq == 1


MISTAKES: dict[str, str | bytes] = {
    "Invalid JSON": "{",
    "Invalid JSON: EOF": "",
    "hex escape": '{"type": "message", "client_id": "c1", "text": "\\ud800"}',
    "should be an object": "[]",
    "'shout'": '{"type": "shout"}',
    "message.text: Field required": '{"type": "message", "client_id": "c1"}',
    "must say something": '{"type": "message", "client_id": "c1", "text": " \\n"}',
    "no NUL character": '{"type": "message", "client_id": "c1", "text": "a\\u0000b"}',
    "message.client_id: String should have at least": '{"type": "message", "client_id": "", "text": "a"}',
    "message.client_id: String should match": '{"type": "message", "client_id": "a\\u001fb", "text": "a"}',
    "at most 10000 characters": json.dumps({"type": "message", "client_id": "c1", "text": "x" * 10_001}),
    "profile.email": '{"type": "profile", "email": "zoe@customer.example,eve@evil.example"}',
    "profile.name": '{"type": "profile", "name": "Zoe\\r\\nBcc: eve@evil.example"}',
    "frames are text": b"\x00\x01",
}


async def test_a_frame_that_is_wrong_is_explained(chat: Any) -> None:
    """What does not fit the protocol is answered with an error frame, and the conversation goes on (I7)."""
    async with chat.visitor() as visitor:
        await visitor.hello()
        for mistake in MISTAKES.values():
            await visitor.connection.send(mistake)
        errors = [await visitor.expect("error") for _ in MISTAKES]
        seq = await visitor.say("c1", "x" * 10_000)

    assert {error["code"] for error in errors} == {"invalid_frame"}
    assert [says for says, error in zip(MISTAKES, errors, strict=True) if says not in error["detail"]] == []
    assert seq == 1
    assert not chat.of(ContactProfileGiven)


async def test_who_makes_too_many_mistakes_is_shown_out(chat: Any) -> None:
    """Twenty wrong frames are explained; the next closes the socket with 1008."""
    async with chat.visitor() as visitor:
        await visitor.hello()
        for _ in range(21):
            await visitor.connection.send("nonsense")
        errors = [await visitor.expect("error") for _ in range(20)]
        with pytest.raises(websockets.ConnectionClosed):
            await visitor.next()
        ended = await visitor.ended()

    assert len(errors) == 20
    assert ended == (1008, "too many frames that are not of this protocol")


async def test_hello_comes_first(chat: Any) -> None:
    """Whatever is sent before hello is refused and kept nowhere."""
    async with chat.visitor() as visitor:
        await visitor.send("message", client_id="c1", text="Hi")
        error = await visitor.expect("error")
        welcome = await visitor.hello()

    assert error["code"] == "hello_first"
    assert welcome["seq"] == 0


async def test_a_frame_beyond_the_size_closes_with_1009(chat: Any) -> None:
    """A frame of more than 64 KiB is the channel's own error, and keeps nobody else waiting (I7)."""
    async with chat.visitor() as visitor, chat.visitor() as other:
        await visitor.hello()
        await other.hello()
        await visitor.send("message", client_id="c1", text="x" * 70_000)
        code, reason = await visitor.ended()
        seq = await other.say("c1", "Hi")

    assert code == 1009
    assert "65536" in reason
    assert seq == 1


async def test_a_visitor_who_leaves_in_the_middle_leaves_nothing_behind(
    chat: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Sockets that break with frames unanswered end their sessions quietly, and what was taken is kept once (I3)."""
    tasks = len(asyncio.all_tasks())
    for number in range(10):
        async with chat.visitor() as visitor:
            welcome = await visitor.hello()
            for part in range(5):
                await visitor.send("message", client_id=f"c{part}", text=str(number))
            visitor.vanish()
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    async with chat.visitor() as visitor:
        again = await visitor.hello(token=welcome["token"])
        thread = [(await visitor.expect("message"))["seq"] for _ in range(again["seq"])]
        await visitor.silence()

    assert thread == list(range(1, again["seq"] + 1))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_the_widget_and_its_page_are_served(chat: Any) -> None:
    """One script tag is all a site needs; the page shows it at work (W1)."""
    async with chat.http() as http:
        script, page = await http.get("/widget.js"), await http.get("/widget-demo")

    assert (script.status_code, page.status_code) == (200, 200)
    assert script.headers["content-type"].startswith("text/javascript")
    assert page.headers["content-type"].startswith("text/html")
    assert "innerHTML" not in script.text
