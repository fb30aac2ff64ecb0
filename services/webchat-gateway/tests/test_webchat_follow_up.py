"""The one mail to a visitor who left before the answer (W4), on a clock that tests move."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from contracts.deliveries import DeliveryUpdated
from contracts.outbound import OutboundMessageRequested
from service_kit.testing.eventually import eventually
from webchat_gateway.store import ChatStore


@pytest.fixture
async def chat(chat: Any) -> Any:
    """A gateway whose account has a support address to write from."""
    await chat.settings(support_address="support@acme.example")
    return chat


async def _left(chat: Any, *, email: str | None = "zoe@customer.example") -> dict[str, Any]:
    """A visitor wrote, left an address, and is gone; their welcome."""
    async with chat.visitor() as visitor:
        welcome: dict[str, Any] = await visitor.hello()
        if email:
            await visitor.send("profile", name="Zoé", email=email)
        await visitor.say("c1", "Hi")
    return welcome


async def _answered(chat: Any, conversation_id: str, name: str, text: str, **changes: Any) -> None:
    """A reply is in the thread."""
    reports = len(chat.of(DeliveryUpdated))
    await chat.tell(chat.reply(conversation_id, name, text, **changes))
    await chat.said(DeliveryUpdated, reports + 1)


async def _conversation(chat: Any, conversation_id: str) -> Any:
    return await ChatStore(chat.platform.store).conversation(conversation_id)


async def _timer_has_run(chat: Any) -> None:
    """Until the timer has dealt with a conversation that is surely due."""
    welcome = await _left(chat)
    await _answered(chat, welcome["conversation_id"], "last", "The last")
    chat.clock.advance(timedelta(seconds=181))
    await eventually(lambda: any("The last" in mail.text for mail in chat.of(OutboundMessageRequested)))


async def test_who_left_gets_one_mail_with_what_was_missed(chat: Any) -> None:
    """Three minutes after the last reply, and not before, one mail with all of it leaves, and never a second (W4)."""
    welcome = await _left(chat)
    conversation_id = welcome["conversation_id"]
    await _answered(chat, conversation_id, "s1", "We are here.", purpose="auto_reply")
    await _answered(chat, conversation_id, "r1", "Let me see …")
    chat.clock.advance(timedelta(seconds=100))
    await _answered(chat, conversation_id, "r2", "It is on its way.")
    chat.clock.advance(timedelta(seconds=100))
    early = (await _conversation(chat, conversation_id)).followed_up
    chat.clock.advance(timedelta(seconds=80))
    (mail,) = await chat.said(OutboundMessageRequested)
    await _answered(chat, conversation_id, "r3", "Anything else?")
    chat.clock.advance(timedelta(hours=1))
    await _timer_has_run(chat)
    mails = [one for one in chat.of(OutboundMessageRequested) if one.message_id == mail.message_id]

    assert not early
    assert (mail.purpose, mail.sender) == ("follow_up", "support@acme.example")
    assert (mail.recipient.email, mail.recipient.name) == ("zoe@customer.example", "Zoé")
    assert mail.text.endswith("We are here.\n\nLet me see …\n\nIt is on its way.")
    assert len(mails) == 1


async def test_coming_back_cancels_the_mail(chat: Any) -> None:
    """A visitor who was shown the reply in time is told nothing by mail (W4)."""
    welcome = await _left(chat)
    await _answered(chat, welcome["conversation_id"], "r1", "Hello!")
    chat.clock.advance(timedelta(seconds=170))
    async with chat.visitor() as visitor:
        await visitor.hello(token=welcome["token"], seq=1)
        await visitor.expect("message")
    await eventually(lambda: _is_seen(chat, welcome["conversation_id"], 2))
    chat.clock.advance(timedelta(seconds=60))
    await _timer_has_run(chat)

    assert {mail.contact_key for mail in chat.of(OutboundMessageRequested)} == {"zoe@customer.example"}
    assert len(chat.of(OutboundMessageRequested)) == 1


async def _is_seen(chat: Any, conversation_id: str, seq: int) -> bool:
    conversation = await _conversation(chat, conversation_id)
    return bool(conversation.delivered_seq == seq and not conversation.due)


async def test_who_says_to_have_the_reply_is_sent_no_mail(chat: Any) -> None:
    """The number of a hello counts as much as a message sent: the last socket may have ended before it was noted."""
    welcome = await _left(chat)
    await _answered(chat, welcome["conversation_id"], "r1", "Hello!")
    async with chat.visitor() as visitor:
        await visitor.hello(token=welcome["token"], seq=2)
        await visitor.silence()

    assert await _is_seen(chat, welcome["conversation_id"], 2)


async def test_a_visitor_who_is_here_is_sent_no_mail(chat: Any) -> None:
    """An open socket that shows the reply needs no follow-up (W4)."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.send("profile", email="zoe@customer.example")
        await visitor.say("c1", "Hi")
        await _answered(chat, welcome["conversation_id"], "r1", "Hello!")
        await visitor.expect("message")

        await eventually(lambda: _is_seen(chat, welcome["conversation_id"], 2))


async def test_a_phone_that_lost_its_network_counts_as_gone(chat: Any) -> None:
    """What was sent into a socket that then broke without a farewell may never have arrived: the mail is due (W4)."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.send("profile", email="zoe@customer.example")
        await visitor.say("c1", "Hi")
        await _answered(chat, welcome["conversation_id"], "r1", "Hello!")
        await visitor.expect("message")
        await eventually(lambda: _is_seen(chat, welcome["conversation_id"], 2))
        visitor.vanish()
    await eventually(lambda: _is_due(chat, welcome["conversation_id"]))
    chat.clock.advance(timedelta(seconds=180))
    (mail,) = await chat.said(OutboundMessageRequested)

    assert mail.text.endswith("Hello!")


async def _is_due(chat: Any, conversation_id: str) -> bool:
    return bool((await _conversation(chat, conversation_id)).due)


async def test_another_open_page_speaks_for_the_lost_one(chat: Any) -> None:
    """A socket that still shows the reply takes the doubt of a broken one away at once."""
    async with chat.visitor() as phone, chat.visitor() as page:
        welcome = await phone.hello()
        await phone.say("c1", "Hi")
        await page.hello(token=welcome["token"], seq=1)
        await _answered(chat, welcome["conversation_id"], "r1", "Hello!")
        await phone.expect("message")
        await page.expect("message")
        await eventually(lambda: _is_seen(chat, welcome["conversation_id"], 2))
        revision = (await _conversation(chat, welcome["conversation_id"])).rev
        phone.vanish()
        await eventually(lambda: _is_changed(chat, welcome["conversation_id"], revision + 2))

        assert await _is_seen(chat, welcome["conversation_id"], 2)


async def _is_changed(chat: Any, conversation_id: str, revision: int) -> bool:
    return bool((await _conversation(chat, conversation_id)).rev >= revision)


async def test_who_answered_has_read(chat: Any) -> None:
    """A visitor who wrote after the reply had it before them, whatever became of the socket later."""
    tasks = len(asyncio.all_tasks())
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.say("c1", "Hi")
        await _answered(chat, welcome["conversation_id"], "r1", "Hello!")
        await visitor.expect("message")
        await visitor.say("c2", "Thanks")
        visitor.vanish()
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)

    assert await _is_seen(chat, welcome["conversation_id"], 2)


async def test_without_an_address_nobody_is_written_to(chat: Any) -> None:
    """No mail leaves where the visitor named no address; the timer is done with it all the same."""
    welcome = await _left(chat, email=None)
    await _answered(chat, welcome["conversation_id"], "r1", "Hello!")
    chat.clock.advance(timedelta(seconds=181))
    await eventually(lambda: _is_quiet(chat, welcome["conversation_id"]))

    assert not chat.of(OutboundMessageRequested)


async def _is_quiet(chat: Any, conversation_id: str) -> bool:
    conversation = await _conversation(chat, conversation_id)
    return bool(not conversation.due and not conversation.followed_up)
