"""Mailboxes that are opened by access tokens (RFC 6749, 6; RFC 7628): fetched, held, renewed, refused (X1)."""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engines.simulated_token_server import SimulatedTokenServer
from ingest_email.imap.imap_watched import WatchedMailbox
from service_kit.platform import Platform
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.eventually import eventually
from service_kit.testing.scripted_imap import ScriptedImap, folder, said

USER = "o=hara,jo@acme.example"


@pytest.fixture
def tokens() -> Iterator[SimulatedTokenServer]:
    """A token server."""
    with SimulatedTokenServer(USER) as server:
        yield server


@pytest.fixture
def rotating() -> Iterator[SimulatedTokenServer]:
    """A token server whose refresh tokens are good for once."""
    with SimulatedTokenServer(USER, rotates=True) as server:
        yield server


class TokenImap(ScriptedImap):
    """An IMAP server with an empty folder, which lets in who shows a token that holds; it hangs up when idled at."""

    def __init__(self, tokens: SimulatedTokenServer, mechanism: str = "OAUTHBEARER") -> None:
        script = {
            "CAPABILITY": lambda _: said(f"* CAPABILITY IMAP4rev1 IDLE AUTH={mechanism}"),
            "AUTHENTICATE": lambda _: b"+ \r\n",
            "CONTINUED": self._judged,
            "EXAMINE": lambda _: folder(uid_next=1),
            "SEARCH": lambda _: said("* SEARCH"),
        }
        super().__init__(script)
        self.shown: list[str] = []
        self._tokens = tokens

    def _judged(self, told: str) -> bytes:
        self.shown.append(b64decode(told).decode())
        token = self.shown[-1].partition("Bearer ")[2].partition("\x01")[0]
        if token in self._tokens.access_tokens:
            return said()
        # The reason first, then the refusal once that was answered.
        return b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n" if token else b"%TAG% NO [AUTHENTICATIONFAILED] no\r\n"


async def read(email: Any, port: int, **auth: Any) -> None:
    """Have the mailbox at that port read, with changes of its `auth`."""
    told = {"host": "127.0.0.1", "port": port, "security": "none", "username": USER, "address": "support@acme.example"}
    await email.book.area.patch("acc_1", {"imap": {"main": {**told, "auth": auth}}})


async def reaches(email: Any, **wanted: Any) -> WatchedMailbox:
    """The mailbox, once it is as wanted."""

    async def found() -> WatchedMailbox | None:
        known: WatchedMailbox | None = (await email.book.mailboxes.of_account("acc_1")).get("main")
        return known if known and all(getattr(known, name) == value for name, value in wanted.items()) else None

    watched = await eventually(found, seconds=10)
    assert watched is not None
    return watched


@pytest.mark.parametrize(
    ("mechanism", "shown"),
    [
        ("OAUTHBEARER", "n,a=o=3Dhara=2Cjo@acme.example,\x01auth=Bearer access-1\x01\x01"),
        ("XOAUTH2", "user=o=hara,jo@acme.example\x01auth=Bearer access-1\x01\x01"),
    ],
)
async def test_an_access_token_opens_the_mailbox(
    serving: Any, tokens: SimulatedTokenServer, mechanism: str, shown: str
) -> None:
    """By the standard's mechanism where the server has it, else by the one of Google and Microsoft; asked for once."""
    server = TokenImap(tokens, mechanism)
    async with server.listening() as port, serving() as email:
        await read(email, port, **tokens.auth())
        await reaches(email, state="watching")

    assert server.shown == [shown]
    assert f"AUTHENTICATE {mechanism}" in server.asked
    assert tokens.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-0",
            "client_id": "desk",
            "client_secret": "shh",
            "scope": "mail.read",
        }
    ]


async def test_a_token_that_is_not_taken_any_more_is_renewed_at_once(
    serving: Any, tokens: SimulatedTokenServer
) -> None:
    """A line that ends costs no token; one that is refused is replaced, without a pause and without a failure."""
    server = TokenImap(tokens)
    async with server.listening() as port, serving(imap_idle_seconds=0.1, imap_command_timeout_seconds=0.1) as email:
        await read(email, port, **tokens.auth())
        await eventually(lambda: len(server.shown) >= 2, seconds=10)
        before = len(tokens.forms)
        tokens.revoke()
        await eventually(lambda: "access-2" in server.shown[-1], seconds=10)
        failures = [
            email.platform.metrics.get_sample_value("ingest_email_imap_failures_total", {"code": code})
            for code in ("login_refused", "token_refused")
        ]

    assert before == 1
    assert len(tokens.forms) == 2
    assert failures == [None, None]


async def test_a_new_token_that_is_refused_is_a_refused_login(serving: Any, tokens: SimulatedTokenServer) -> None:
    """The mail server does not want this user: nobody knocks again before the pause of a wrong password."""
    with SimulatedTokenServer(USER) as others:
        server = TokenImap(others)
        async with server.listening() as port, serving() as email:
            await read(email, port, **tokens.auth())
            await reaches(email, state="retrying", last_error="login_refused")

    assert [one.partition("Bearer ")[2] for one in server.shown] == ["access-1\x01\x01", ""]
    assert len(tokens.forms) == 1


async def test_the_newest_refresh_token_is_kept(serving: Any, rotating: SimulatedTokenServer) -> None:
    """Encrypted, before its token is used; the next life begins with it, and newer settings go before it."""
    server = TokenImap(rotating)
    async with server.listening() as port, serving(imap_lease_seconds=5) as email:
        await read(email, port, **rotating.auth())
        first = await reaches(email, state="watching")
        # Another reader, which knows nothing of the one before.
        await read(email, port, **rotating.auth(scope="mail.read mail.write"))
        await eventually(lambda: len(rotating.forms) == 2)
        await reaches(email, state="watching")
        rotating.refresh_token = "granted-anew"
        await read(email, port, **rotating.auth(refresh_token="granted-anew"))
        await eventually(lambda: len(rotating.forms) == 3)
        last = await reaches(email, state="watching")
        kept = (await email.book.area.get("acc_1")).imap["main"].auth.refresh_token

    assert [form["refresh_token"] for form in rotating.forms] == ["refresh-0", "refresh-1", "granted-anew"]
    assert first.grant is not None
    assert last.grant is not None
    assert "refresh-1" not in first.grant.model_dump_json()
    assert email.platform.secrets.decrypt(last.grant.refresh_token) == "refresh-3"
    assert kept == "granted-anew"


async def test_what_the_token_server_refuses_is_said(serving: Any, tokens: SimulatedTokenServer) -> None:
    """The mail server is not knocked at, the state says whose turn it is, and new settings are tried at once."""
    tokens.error = (400, "invalid_grant")
    server = TokenImap(tokens)
    async with server.listening() as port, serving() as email:
        await read(email, port, **tokens.auth())
        await reaches(email, state="retrying", last_error="authorization_ended")
        connected = list(server.asked)
        tokens.error, tokens.refresh_token = None, "granted-anew"
        await read(email, port, **tokens.auth(refresh_token="granted-anew"))
        healed = await reaches(email, state="watching")

    assert connected == []
    assert healed.last_error is None


async def test_secrets_of_an_authorisation_are_write_only(serving: Any, tokens: SimulatedTokenServer) -> None:
    """They are in no answer, a patch without them keeps them, and a mailbox goes back to its password (S2)."""
    mailbox = {"host": "127.0.0.1", "port": 1, "username": USER, "address": "support@acme.example"}
    async with serving() as email:
        headers = await sign_in(email.platform)
        async with http_client(email.api, headers=headers) as http:

            async def patch(main: dict[str, Any]) -> Any:
                return await http.patch("/v1/settings/email", json={"imap": {"main": main}})

            given = await patch({**mailbox, "auth": tokens.auth()})
            await patch({"auth": {"scope": "other"}})
            kept = (await email.book.area.get("acc_1")).imap["main"].auth
            without = await patch({"auth": None})
            back = await patch({"auth": None, "password": "secret"})

    assert given.json()["imap"]["main"]["auth"] == {
        "type": "oauth2",
        "token_url": tokens.token_url,
        "client_id": "desk",
        "scope": "mail.read",
    }
    assert (kept.client_secret, kept.refresh_token, kept.scope) == ("shh", "refresh-0", "other")
    assert (without.status_code, without.json()["code"]) == (422, "invalid_request")
    assert back.json()["imap"]["main"]["auth"] == {"type": "password"}


async def test_an_authorisation_that_could_not_work_is_refused(serving: Any) -> None:
    """At the door: no half ones, no mixed ones, and no refresh token over an open line; then the guard holds (S4)."""

    def public(platform: Platform) -> Platform:
        return replace(platform, settings=platform.settings.model_copy(update={"allow_private_urls": False}))

    mailbox = {"host": "127.0.0.1", "port": 1, "username": USER, "address": "support@acme.example"}
    whole = {"type": "oauth2", "token_url": "https://127.0.0.1:1/t", "client_id": "desk", "refresh_token": "r"}
    wrong: list[dict[str, Any]] = [
        {"type": "oauth"},
        {"type": "oauth2"},
        {**whole, "password": "secret"},
        {**whole, "refresh_token": None},
        {**whole, "token_url": "file:///etc/passwd"},
        {**whole, "client_id": "a\nb"},
        {**whole, "scope": "a\x01b"},
    ]
    async with serving(change=public) as email:
        async with http_client(email.api, headers=await sign_in(email.platform)) as http:
            asked = [
                {**mailbox, "auth": auth} for auth in (*wrong, {**whole, "token_url": "http://id.example/t"}, whole)
            ]
            answers = [await http.patch("/v1/settings/email", json={"imap": {"main": one}}) for one in asked]
        await reaches(email, last_error="forbidden_address")

    assert [answer.json()["code"] for answer in answers[:-2]] == ["invalid_request"] * len(wrong)
    assert answers[-2].json()["code"] == "encryption_required"
    assert answers[-1].status_code == 200
