"""`Idempotency-Key`: the same write sent twice by the same caller is done once and answered twice alike.

Only authenticated callers have keys: an answer may hold what nobody else must see.
"""

import base64
import hashlib
from typing import Annotated, assert_never

import structlog
from fastapi import Depends, Header, Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.ids import derive_id
from service_kit.auth.bearer import bearer_token
from service_kit.auth.credentials import Credentials
from service_kit.auth.principal import Principal
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.http.admission_gate import WRITES
from service_kit.http.answer_capture import AnswerCapture
from service_kit.http.idempotency_records import (
    Answer,
    Answered,
    Claimed,
    IdempotencyRecords,
    InProgress,
    Reused,
)
from service_kit.http.request_state import request_state
from service_kit.problem import Problem
from service_kit.secret_box import SecretBox

_MAX_KEY_CHARACTERS = 255
_KEPT_HEADERS = frozenset({b"content-type", b"etag", b"location"})
_SERVER_ERROR = 500
_ASKS_AGAIN = frozenset({401, 403, 408, 425, 429})
"""Answers that say nothing about the request itself: the same request may be welcome in a moment."""

logger = structlog.get_logger()


async def _idempotency_id(
    request: Request,
    _key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            max_length=_MAX_KEY_CHARACTERS,
            description="The same key with the same request within 24 hours gets the same answer, done once.",
        ),
    ] = None,
) -> str | None:
    return request_state(request.scope).idempotency_id


IdempotencyKey = Annotated[str | None, Depends(_idempotency_id)]
"""An id unique to caller, address and key, or None. Derive what is created from it: then a request that is
carried out again after a crash between the effect and its record makes the same thing."""


class Idempotency:
    """ASGI middleware over writes that carry the header."""

    def __init__(
        self,
        app: ASGIApp,
        records: IdempotencyRecords,
        credentials: Credentials,
        secrets: SecretBox,
        clock: Clock,
    ) -> None:
        self._app = app
        self._records = records
        self._credentials = credentials
        self._secrets = secrets
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, refuse, or let the request through once."""
        principal = await self._principal_with_key(scope)
        if principal is None:
            await self._app(scope, receive, send)
            return
        body = await _whole_body(receive)
        if body is None:
            return  # the caller is gone
        record_id = _record_id(scope, principal)
        outcome = await self._records.begin(record_id, _fingerprint(scope, body), self._clock.now())
        match outcome:
            case Answered(answer=answer):
                await self._replay(answer, send)
            case InProgress():
                raise Problem(
                    409, "idempotency_in_progress", "The same request is being handled.", headers={"Retry-After": "1"}
                )
            case Reused():
                raise Problem(422, "idempotency_key_reused", "This Idempotency-Key stands for another request.")
            case Claimed():
                request_state(scope).idempotency_id = record_id
                await self._carry_out(outcome, scope, _replayed(body, receive), send)
            case _:
                assert_never(outcome)

    async def _principal_with_key(self, scope: Scope) -> Principal | None:
        if scope["type"] != "http" or scope["method"] not in WRITES:
            return None
        headers = Headers(scope=scope)
        key = headers.get("idempotency-key")
        token = bearer_token(headers.get("authorization"))
        if key is None or token is None:
            return None
        if not 1 <= len(key) <= _MAX_KEY_CHARACTERS:
            raise Problem(400, "bad_idempotency_key", f"Idempotency-Key has 1 to {_MAX_KEY_CHARACTERS} characters.")
        return await self._credentials.find(token)

    async def _carry_out(self, claim: Claimed, scope: Scope, receive: Receive, send: Send) -> None:
        capture = AnswerCapture(send)
        try:
            await self._app(scope, receive, capture)
        except BaseException:
            await self._release(claim)
            raise
        status = capture.status
        if capture.is_complete and status < _SERVER_ERROR and status not in _ASKS_AGAIN:
            await self._finish(claim, capture)
        else:
            await self._release(claim)
        await capture.forward()

    async def _finish(self, claim: Claimed, capture: AnswerCapture) -> None:
        kept = tuple(
            (name.decode(), value.decode("latin-1")) for name, value in capture.headers if name in _KEPT_HEADERS
        )
        sealed = self._secrets.encrypt(base64.b64encode(capture.body).decode())
        try:
            await self._records.finish(claim, Answer(status=capture.status, headers=kept, sealed_body=sealed))
        except TransientError as error:
            # The effect is done and its caller must hear of it; a repeated request derives the same ids.
            logger.warning("idempotency_answer_not_kept", record_id=claim.record.id, error=repr(error))

    async def _release(self, claim: Claimed) -> None:
        try:
            await self._records.release(claim)
        except TransientError as error:
            # The claim runs out by itself; the failure that led here must not be hidden by this one.
            logger.warning("idempotency_claim_not_released", record_id=claim.record.id, error=repr(error))

    async def _replay(self, answer: Answer, send: Send) -> None:
        body = base64.b64decode(self._secrets.decrypt(answer.sealed_body))
        headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
        headers += [(b"content-length", str(len(body)).encode()), (b"idempotency-replayed", b"true")]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _record_id(scope: Scope, principal: Principal) -> str:
    """The same for all sessions of one agent: logging in anew must not do things twice."""
    caller = principal.agent_id or principal.credential_id
    key = Headers(scope=scope)["idempotency-key"]
    return derive_id("idem", principal.account_id, caller, f"{scope['method']} {scope['path']}", key)


def _fingerprint(scope: Scope, body: bytes) -> str:
    if_match = Headers(scope=scope).get("if-match", "").encode("latin-1")
    digest = hashlib.sha256()
    for part in (scope["query_string"], if_match, body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


async def _whole_body(receive: Receive) -> bytes | None:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more in one piece; after it whatever still arrives, such as the disconnect."""
    is_given = False

    async def replayed() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
