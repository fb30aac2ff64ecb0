"""What an answer is held back for, and which are not."""

import pytest
from starlette.types import Message

from service_kit.http.answer_capture import AnswerCapture


async def _told(content_type: bytes) -> tuple[AnswerCapture, list[int]]:
    """An answer of two pieces, and how many messages had been passed on after each of its three."""
    passed: list[Message] = []
    sizes: list[int] = []

    async def send(message: Message) -> None:
        passed.append(message)

    capture = AnswerCapture(send)
    for message in (
        {"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", content_type)]},
        {"type": "http.response.body", "body": b"one", "more_body": True},
        {"type": "http.response.body", "body": b"two"},
    ):
        await capture(message)
        sizes.append(len(passed))
    return capture, sizes


@pytest.mark.parametrize("content_type", [b"application/x-ndjson", b"text/event-stream; charset=utf-8"])
async def test_streams_are_let_through_as_they_come(content_type: bytes) -> None:
    """Who reads a stream reads each piece when it is said; it is not kept, although it has ended."""
    capture, passed = await _told(content_type)

    assert passed == [1, 2, 3]
    assert not capture.is_complete


async def test_other_answers_are_held() -> None:
    """Nothing of any other answer is seen before all of it is known."""
    capture, passed = await _told(b"application/json")

    assert passed == [0, 0, 0]
    assert (capture.is_complete, capture.status, capture.body) == (True, 200, b"onetwo")
