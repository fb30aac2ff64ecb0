"""Mailboxes in the settings `email`, and how reading them is shown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from service_kit.platform import Platform
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.eventually import eventually

MAILBOX = {
    "host": "127.0.0.1",
    "port": 1,
    "username": "support",
    "password": "secret",
    "address": "support@acme.example",
}


@asynccontextmanager
async def asking(email: Any, account_id: str = "acc_1") -> AsyncIterator[httpx.AsyncClient]:
    """An administrator of an account."""
    headers = await sign_in(email.platform, account_id=account_id)
    async with http_client(email.api, headers=headers) as http:
        yield http


async def test_a_mailbox_is_set_shown_and_read(serving: Any) -> None:
    """The password is in no answer, a patch without it keeps it, and what is wrong is said (S2)."""
    async with serving() as email, asking(email) as http, asking(email, "acc_2") as stranger:
        answer = await http.patch("/v1/settings/email", json={"imap": {"main": MAILBOX}})
        await http.patch("/v1/settings/email", json={"imap": {"main": {"folder": "Support"}}})

        async def shown() -> Any:
            [item] = (await http.get("/v1/email/imap")).json()["items"]
            return item if item["last_error"] else None

        item = await eventually(shown)
        kept = (await email.book.area.get("acc_1")).imap["main"]
        others = (await stranger.get("/v1/email/imap")).json()

    assert answer.status_code == 200
    assert "password" not in answer.json()["imap"]["main"]
    assert (kept.password, kept.folder, kept.start_from) == ("secret", "Support", "now")
    assert (item["name"], item["folder"], item["state"]) == ("main", "Support", "retrying")
    assert (item["last_error"], item["last_seen_at"], item["cursor"]) == ("cannot_connect", None, None)
    assert others == {"items": [], "next_cursor": None}


async def test_a_mailbox_that_could_not_be_read_is_refused(serving: Any) -> None:
    """At the door, with a code, and nothing of it is kept."""
    wrong: list[dict[str, Any]] = [
        {"host": "mail.example/x"},
        {"host": ""},
        {"port": 0},
        {"username": "a\r\nA2 DELETE INBOX"},
        {"folder": "INBOX\n"},
        {"security": "ssl"},
        {"folders": ["INBOX"]},
        {"password": None},
    ]
    async with serving() as email, asking(email) as http:
        patches = [{"imap": {"main": {**MAILBOX, **changes}}} for changes in wrong]
        answers = [await http.patch("/v1/settings/email", json=patch) for patch in patches]
        stranger = {"imap": {"main": {**MAILBOX, "address": "sales@acme.example"}}}
        unknown = await http.patch("/v1/settings/email", json=stranger)
        many = await http.patch("/v1/settings/email", json={"imap": {f"m{n}": MAILBOX for n in range(21)}})
        named = await http.patch("/v1/settings/email", json={"imap": {"Main/1": MAILBOX}})
        kept = (await email.book.area.get("acc_1")).imap

    assert [answer.json()["code"] for answer in (*answers, many, named)] == ["invalid_request"] * 10
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_support_address")
    assert kept == {}


async def test_passwords_do_not_travel_in_plain_text(serving: Any) -> None:
    """A mailbox without encryption is for private networks, and refused where those are not allowed."""

    def public(platform: Platform) -> Platform:
        return replace(platform, settings=platform.settings.model_copy(update={"allow_private_urls": False}))

    async with serving(change=public) as email, asking(email) as http:
        plain = await http.patch("/v1/settings/email", json={"imap": {"main": {**MAILBOX, "security": "none"}}})
        safe = await http.patch("/v1/settings/email", json={"imap": {"main": MAILBOX}})

        async def refused() -> Any:
            [item] = (await http.get("/v1/email/imap")).json()["items"]
            return item["last_error"] == "forbidden_address"

        await eventually(refused)

    assert (plain.status_code, plain.json()["code"]) == (422, "encryption_required")
    assert safe.status_code == 200


async def test_an_address_that_mail_is_fetched_for_stays(serving: Any) -> None:
    """Else its mail would be fetched for an address that is nobody's."""
    async with serving() as email, asking(email) as http:
        await http.patch("/v1/settings/email", json={"imap": {"main": MAILBOX}})
        both = {"addresses": {"support@acme.example": None}, "imap": {"main": None}}
        alone = await http.patch("/v1/settings/email", json={"addresses": {"support@acme.example": None}})
        together = await http.patch("/v1/settings/email", json=both)

    assert (alone.status_code, alone.json()["code"]) == (422, "unknown_support_address")
    assert together.status_code == 200
