"""The pure rules of ingest-sms."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import SmsKeyword
from ingest_sms.attribution import Sends, attribute, with_send
from ingest_sms.keywords import means_consent, recognise
from ingest_sms.phone_numbers import e164
from ingest_sms.twilio import MalformedWebhookError, is_signed, parse_message, parse_status

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(hours=24)

# The worked example of https://www.twilio.com/docs/usage/security#validating-requests
TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_PARAMETERS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
TWILIO_TOKEN = "12345"
TWILIO_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_twilios_own_example_is_signed_right() -> None:
    """The published example of Twilio's signature passes (M2)."""

    assert is_signed(TWILIO_SIGNATURE, TWILIO_URL, TWILIO_PARAMETERS, ["old", TWILIO_TOKEN])


@pytest.mark.parametrize(
    ("url", "changed", "tokens"),
    [
        (TWILIO_URL + "&x=1", {}, [TWILIO_TOKEN]),
        (TWILIO_URL, {"Digits": "1235"}, [TWILIO_TOKEN]),
        (TWILIO_URL, {}, ["12346"]),
        (TWILIO_URL, {}, []),
    ],
    ids=["other url", "other parameter", "other token", "no token"],
)
def test_anything_else_is_not_signed(url: str, changed: dict[str, str], tokens: list[str]) -> None:
    """A signature holds for exactly one URL, one set of parameters and a token we have (M2)."""

    assert not is_signed(TWILIO_SIGNATURE, url, TWILIO_PARAMETERS | changed, tokens)


@pytest.mark.parametrize("missing", ["MessageSid", "From", "To"])
def test_a_message_needs_an_identity_and_two_ends(missing: str) -> None:
    """A webhook without them is refused by the name of what is missing."""
    parameters = {"MessageSid": "SM1", "From": "+12025550123", "To": "+12025550199", "Body": "hi"}
    del parameters[missing]

    with pytest.raises(MalformedWebhookError, match=missing):
        parse_message(parameters)


def test_unknown_statuses_change_nothing() -> None:
    """Twilio may add statuses; a known one becomes ours with its error code (M11)."""
    failed = parse_status({"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30005"})

    assert failed is not None
    assert (failed.state, failed.reason) == ("failed", "twilio error 30005")
    assert parse_status({"MessageSid": "SM1", "MessageStatus": "teleported"}) is None


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("STOP", "stop"),
        (" stop. ", "stop"),
        ("REVOKE", "stop"),
        ("OptOut", "stop"),
        ("Arrêt", "stop"),
        ("start", "start"),
        ("Yes", "start"),
        ("INFO", "help"),
        ("AIDE", "help"),
        ("menu", "custom"),
    ],
)
def test_keywords_are_whole_messages(text: str, effect: str) -> None:
    """A keyword stands alone; case and punctuation do not matter (M4)."""
    keyword = recognise(text, {"MENU": SmsKeyword(text="1: prices")})

    assert keyword is not None
    assert keyword.effect == effect


@pytest.mark.parametrize("text", ["please stop sending", "", "yes please", "stop it", "menus"])
def test_a_sentence_is_no_keyword(text: str) -> None:
    """A message that only contains a keyword is an ordinary message."""

    assert recognise(text, {"MENU": SmsKeyword(text="")}) is None


def test_yes_is_consent_only_where_there_was_none() -> None:
    """START and YES mean consent only for a stopped or unknown number (M4)."""

    assert means_consent(known=False, stopped=False)
    assert means_consent(known=True, stopped=True)
    assert not means_consent(known=True, stopped=False)


@pytest.mark.parametrize(
    ("text", "number"),
    [("+1 (202) 555-0123", "+12025550123"), ("ACME", None), ("80888", None), ("+1", None), ("", None)],
)
def test_numbers_are_e164_or_nothing(text: str, number: str | None) -> None:
    """Sender ids of letters and short codes are no numbers (M3, M9)."""

    assert e164(text) == number


def test_the_last_campaign_within_the_window_is_answered_once() -> None:
    """The first SMS after a campaign belongs to the last one sent, later ones to none (M10)."""
    sends = with_send(with_send((), "winter", NOON - timedelta(hours=5)), "spring", NOON - timedelta(hours=1))
    sends, first = attribute(sends, "m1", NOON, DAY)
    sends, second = attribute(sends, "m2", NOON, DAY)
    _, again = attribute(sends, "m1", NOON, DAY)

    assert (first, second, again) == ("spring", None, "spring")


def test_an_answer_outside_the_window_belongs_to_no_campaign() -> None:
    """After the window nothing is attributed, nor before the campaign was sent (M10)."""
    sends = with_send((), "spring", NOON)

    assert attribute(sends, "late", NOON + DAY + timedelta(seconds=1), DAY)[1] is None
    assert attribute(sends, "early", NOON - timedelta(seconds=1), DAY)[1] is None
    assert attribute(sends, "just in time", NOON + DAY, DAY)[1] == "spring"


@given(st.permutations([("winter", 0), ("spring", 30), ("summer", 60)]), st.integers(0, 90))
def test_the_order_in_which_campaigns_are_heard_of_does_not_matter(order: list[tuple[str, int]], minute: int) -> None:
    """In whatever order and however often sends arrive, the last one before the answer counts (M10)."""
    sends: Sends = ()
    for name, at in [*order, *order]:
        sends = with_send(sends, name, NOON + timedelta(minutes=at))

    expected = "winter" if minute < 30 else "spring" if minute < 60 else "summer"
    assert attribute(sends, "m", NOON + timedelta(minutes=minute), DAY)[1] == expected


@pytest.mark.parametrize(
    ("field", "most"), [("MessageSid", 1_000), ("From", 32), ("To", 32), ("Body", 20_000), ("MediaUrl3", 1_000)]
)
def test_a_webhook_that_says_more_than_twilio_ever_does_is_malformed(field: str, most: int) -> None:
    """No field grows beyond what an event takes, whoever posts it (S4, I7)."""
    form = {"MessageSid": "SM1", "From": "+1", "To": "+2"}

    assert parse_message({**form, field: "x" * most})
    with pytest.raises(MalformedWebhookError, match=field):
        parse_message({**form, field: "x" * (most + 1)})
