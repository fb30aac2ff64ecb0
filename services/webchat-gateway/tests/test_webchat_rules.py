"""The decisions of the gateway, by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.signing import Signer
from webchat_gateway.conversation_changes import answered, delivered, doubted, ended, following, fresh, owned
from webchat_gateway.model import ChatMessage, Conversation
from webchat_gateway.origins import may_embed
from webchat_gateway.sightings import SURE_AFTER_SECONDS, Sightings
from webchat_gateway.tokens import conversation_of, token_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WAIT = timedelta(minutes=3)
EMPTY = fresh("acc_1", "cnv_1", NOON)


def _message(seq: int, author: str = "agent") -> ChatMessage:
    fields = {"id": f"chm_{seq}", "account_id": "acc_1", "conversation_id": "cnv_1", "sender_key": f"desk/{seq}"}
    return ChatMessage.model_validate(fields | {"seq": seq, "author": author, "text": "…", "at": NOON})


@pytest.mark.parametrize(
    ("origin", "allowed", "may"),
    [
        (None, (), True),
        ("https://desk.example", (), True),
        ("https://desk.example:8443", (), False),
        ("http://10.0.0.5:8080", (), True),
        ("https://shop.example", (), False),
        ("https://Shop.example", ("https://shop.example/",), True),
        ("http://shop.example", ("https://shop.example",), False),
        ("https://shop.example.evil.example", ("https://shop.example",), False),
        ("https://evil-shop.example", ("https://shop.example",), False),
        ("null", ("https://shop.example",), False),
        ("", ("https://shop.example",), False),
    ],
)
def test_origins_are_compared_whole(origin: str | None, allowed: tuple[str, ...], *, may: bool) -> None:
    """Scheme, host and port must be those of a listed page or of our own; no browser at all is let through (W7)."""

    assert may_embed(origin, host="10.0.0.5:8080", own_origin="https://desk.example", allowed=allowed) is may


@given(st.text(max_size=80))
def test_no_text_of_others_is_a_token(text: str) -> None:
    """Only what we signed, for this account, names a conversation."""
    signer = Signer("a key that signs nothing but tests")
    token = token_of(signer, "acc_1", "cnv_1")

    assert conversation_of(signer, "acc_1", token) == "cnv_1"
    assert conversation_of(signer, "acc_2", token) is None
    assert conversation_of(signer, "acc_1", text) is None
    assert conversation_of(signer, "acc_1", f"{text}.{token}") is None


def test_a_reply_is_sure_once_the_socket_outlived_it_or_the_visitor_spoke() -> None:
    """What was sent last may be lost with the socket; a ping's answer or a word of the visitor's says it is not."""
    sightings = Sightings(3)
    sightings.given(5, at=100.0)
    sightings.given(6, at=120.0)

    assert sightings.sure(at=120.0) == 3
    assert sightings.sure(at=100.0 + SURE_AFTER_SECONDS) == 5
    assert sightings.sure(at=120.0 + SURE_AFTER_SECONDS) == 6
    sightings.spoke()
    assert sightings.sure(at=120.0) == 6


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 60), st.booleans()), max_size=40))
def test_sightings_never_go_back_and_never_beyond_what_was_given(acts: list[tuple[int, int, bool]]) -> None:
    """However numbers and pauses come, what is sure only grows, up to the highest number given."""
    sightings, now, highest, sure = Sightings(2), 0.0, 2, 2
    for seq, pause, spoke in acts:
        now += pause
        if spoke:
            sightings.spoke()
        sightings.given(seq, now)
        highest = max(highest, seq)
        before, sure = sure, sightings.sure(now)

        assert before <= sure <= highest
    assert sightings.sure(now + SURE_AFTER_SECONDS) == highest


def test_each_reply_puts_the_mail_off_and_being_seen_calls_it_off() -> None:
    """The mail is due a while after the last reply of an agent, and not at all once that was shown (W4)."""
    once = answered(EMPTY, _message(2), WAIT)
    later = answered(once, _message(3).model_copy(update={"at": NOON + timedelta(minutes=1)}), WAIT)

    assert once.due_at == NOON + WAIT
    assert later.due_at == NOON + timedelta(minutes=4)
    assert answered(later, _message(2), WAIT) == later
    assert answered(EMPTY, _message(1, "system"), WAIT) == EMPTY
    assert delivered(later, 2).due_at == later.due_at
    assert delivered(later, 3).due_at is None
    assert delivered(delivered(later, 3), 2).delivered_seq == 3


def test_a_doubt_brings_the_mail_back_once() -> None:
    """What a broken socket was given last counts as missed again, unless it was sure or a mail has left (W4)."""
    seen = delivered(answered(EMPTY, _message(2), WAIT), 2)
    soon = NOON + timedelta(minutes=9)

    assert doubted(seen, 1, soon).due_at == soon
    assert doubted(seen, 1, soon).delivered_seq == 1
    assert doubted(seen, 2, soon) == seen
    assert doubted(seen.model_copy(update={"followed_up": True}), 1, soon).due_at is None
    assert doubted(delivered(EMPTY, 4), 1, soon).due_at is None


def test_only_the_newest_ticket_ends_a_conversation() -> None:
    """Events of a ticket that another one took over from change nothing, in whatever order they come (W2)."""
    first = owned(EMPTY, "tic_1", NOON)
    second = owned(ended(first, "tic_1"), "tic_2", NOON + timedelta(hours=1))

    assert ended(first, "tic_1").closed
    assert owned(ended(first, "tic_1"), "tic_1", NOON).closed
    assert (second.ticket_id, second.closed) == ("tic_2", False)
    assert owned(second, "tic_1", NOON) == second
    assert ended(second, "tic_1") == second
    assert ended(second, "tic_2").closed


def test_what_follows_an_empty_conversation_is_linked_past_it() -> None:
    """A link leads to a conversation that became a ticket, not to one in which nothing was said (W2)."""
    named = EMPTY.model_copy(update={"name": "Zoé", "email": "zoe@customer.example"})
    second = following(named, "cnv_2", spoken=True, now=NOON)
    third = following(second, "cnv_3", spoken=False, now=NOON)

    assert (second.follow_up_of, third.follow_up_of) == ("cnv_1", "cnv_1")
    assert _person(third) == _person(named)


def _person(conversation: Conversation) -> tuple[str, str | None, str | None]:
    return conversation.visitor_id, conversation.name, conversation.email
