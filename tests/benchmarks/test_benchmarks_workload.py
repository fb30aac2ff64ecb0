"""The traffic of the benchmark: the same for the same seed, mixed, and really threaded."""

from collections import Counter
from datetime import UTC, datetime

from benchmarks.workload import messages

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_same_seed_makes_the_same_traffic() -> None:
    """Pipeline and floor, and every repeat, get the very same bytes."""
    first, second = ([m.payload() for m in messages("acc", 200, seed=3, now=_NOW)] for _ in range(2))

    assert first == second


def test_another_seed_makes_other_messages() -> None:
    """No id is shared, so that one run never looks like a redelivery of another."""
    one, other = ({m.message_id for m in messages("acc", 200, seed=seed, now=_NOW)} for seed in (1, 2))

    assert not one & other


def test_traffic_mixes_channels_and_replies() -> None:
    """All three channels occur, two in five messages open a thread, and mail replies name an earlier mail."""
    sent = list(messages("acc", 1000, seed=1, now=_NOW))
    channels = Counter(message.channel for message in sent)
    senders = {message.contact_key for message in sent}
    mails = [message.mail for message in sent if message.mail is not None]
    seen: set[str] = set()
    for mail in mails:
        assert set(mail.references) <= seen
        seen.add(mail.message_id or "")

    assert channels["email"] > channels["sms"] > channels["web_chat"] > 100
    assert 350 < len(senders) < 450
    assert any(mail.references for mail in mails)
