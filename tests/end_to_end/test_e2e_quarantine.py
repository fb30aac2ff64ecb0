"""What gateways set aside, and how an operator brings it back (I6, M2)."""

import json

from end_to_end.company import Company, Json, new_phone
from end_to_end.system import RunningSystem
from end_to_end.twilio import ACCOUNT_SID, AUTH_TOKEN, call, inbound_form, new_sid
from end_to_end.until import until


def listed(system: RunningSystem, company: Company, *options: str) -> list[Json]:
    """What `deskbus quarantine list` says of an account."""
    finished = system.commands.run("quarantine", "list", "--account", company.account_id, "--json", *options)
    assert finished.code == 0, finished.printed
    return [json.loads(line) for line in finished.printed.splitlines()]


def verdicts(company: Company, provider_message_id: str, count: int) -> list[str]:
    """How the deliveries of a message ended, in no order: a replay has the time of what it replays."""
    return sorted(entry["verdict"] for entry in company.verdicts(provider_message_id, count))


def replays(company: Company, kept_id: str) -> list[Json]:
    """What the audit log says of replays, newest first (S3)."""
    return company.owner.everything("/v1/audit", action="quarantine.replayed", target=kept_id)


def test_a_wrong_secret_loses_nothing(system: RunningSystem, company: Company) -> None:
    """Once the token is corrected a refused SMS is replayed into a ticket; a second replay is a duplicate (M2, I4)."""
    number, phone, sid = company.use_number(), new_phone(), new_sid()
    url = f"{system.process.base_url}/v1/sms/twilio/inbound"
    refused = call(system.client, url, inbound_form(phone, number, "Is it me?", sid), token="rotated-token")
    [kept] = listed(system, company)
    too_early = system.commands.run("quarantine", "replay", kept["id"])
    raw = system.commands.run("quarantine", "show", kept["id"], "--raw")
    tokens = {"provider": "twilio", "account_sid": ACCOUNT_SID, "auth_tokens": [AUTH_TOKEN, "rotated-token"]}
    company.set("sms", {"numbers": {number: tokens}})
    replayed = system.commands.run("quarantine", "replay", "--all", "--account", company.account_id)
    first = verdicts(company, sid, 2)
    system.commands.run("quarantine", "replay", kept["id"])
    second = verdicts(company, sid, 3)
    [ticket_id] = {entry["ticket_id"] for entry in company.verdicts(sid, 3)} - {None}
    audited = until(lambda: found if len(found := replays(company, kept["id"])) == 2 else [])

    assert refused.status_code == 403
    assert (kept["channel"], kept["mailbox"], kept["reason"]) == ("sms", number, "bad_signature")
    assert too_early.code == 1
    assert "auth_tokens" in too_early.printed
    assert json.loads(raw.printed)["parameters"]["Body"] == "Is it me?"
    assert replayed.code == 0, replayed.printed
    assert "1 of 1" in replayed.printed
    assert first == ["created", "quarantined"]
    assert second == ["created", "duplicate", "quarantined"]
    assert [message["text"] for message in company.messages(ticket_id)] == ["Is it me?"]
    assert listed(system, company) == []
    assert [entry["details"] for entry in audited] == [{"number": 2, "trusted": False}, {"number": 1, "trusted": False}]
    assert [(one["id"], one["replays"]) for one in listed(system, company, "--replayed")] == [(kept["id"], 2)]


def test_a_mail_from_nobody_is_listed_and_comes_back(system: RunningSystem, company: Company) -> None:
    """A mail without a sender is listed with its reason; replayed, it is read again and waits again (I2, I6)."""
    company.deliver("", b"Message-ID: <nobody-2@nowhere.example>\r\nSubject: Boo\r\n\r\nBoo\r\n")
    company.verdict("nobody-2@nowhere.example")
    [kept] = listed(system, company)
    table = system.commands.run("quarantine", "list", "--account", company.account_id)
    shown = system.commands.run("quarantine", "show", kept["id"])
    replayed = system.commands.run("quarantine", "replay", kept["id"])
    ended = verdicts(company, "nobody-2@nowhere.example", 2)

    assert (kept["channel"], kept["mailbox"], kept["reason"]) == ("email", company.support, "no_sender")
    assert table.code == 0, table.printed
    assert kept["id"] in table.printed
    assert json.loads(shown.printed) == kept
    assert replayed.code == 0, replayed.printed
    assert ended == ["quarantined", "quarantined"]
    assert [one["id"] for one in listed(system, company)] == [kept["id"]]


def test_ids_or_all(system: RunningSystem) -> None:
    """Neither ids nor `--all`, or both, is one sentence; so is an id that nothing is set aside under."""
    nothing = system.commands.run("quarantine", "replay")
    both = system.commands.run("quarantine", "replay", "qtn_1", "--all")
    unknown = system.commands.run("quarantine", "show", "qtn_nobody")

    assert (nothing.code, both.code, unknown.code) == (2, 2, 1)
    assert "qtn_nobody" in unknown.printed
