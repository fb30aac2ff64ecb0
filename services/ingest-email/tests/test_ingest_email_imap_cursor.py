"""The cursor of a mailbox: what is read next, and when everything is read again (X1)."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_email.imap.imap_cursor import FolderCursor, FolderFacts, Window, begun, followed, next_window, past, wanted
from ingest_email.imap.imap_failure import ImapFailure
from ingest_email.imap.imap_pause import pause_seconds

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=30)
HERE = "here"


def facts(*, uid_validity: int = 7, uid_next: int = 11, exists: int = 10) -> FolderFacts:
    """A folder with mails 1 to 10."""
    return FolderFacts(uid_validity, uid_next, exists)


def cursor(last_uid: int, *, start_from: Literal["now", "all"] = "now") -> FolderCursor:
    """A cursor that has come so far."""
    return past(begun(facts(uid_next=1), source=HERE, start_from=start_from, now=NOON), last_uid)


def test_a_mailbox_begins_with_what_comes_or_with_all():
    """What a mailbox held when it was connected is taken where the settings say so."""
    from_now = begun(facts(), source=HERE, start_from="now", now=NOON)
    from_all = begun(facts(), source=HERE, start_from="all", now=NOON)

    assert next_window(from_now, facts()) is None
    assert next_window(from_now, facts(uid_next=13)) == Window(11, 12)
    assert next_window(from_all, facts()) == Window(1, 10)


def test_gaps_are_passed():
    """Deleted mails leave gaps that stay: the cursor goes to the end of what was asked for, and never back."""
    window = next_window(cursor(4), facts())
    assert window is not None
    found = wanted(window, [9, 6, 6, 2, 400])

    assert found == [6, 9]
    assert past(past(cursor(4), 9), window.last).last_uid == 10
    assert past(cursor(10), 3).last_uid == 10


def test_another_uidvalidity_reads_again_what_may_have_been_missed():
    """UIDs of another meaning: all that has arrived since we read this mailbox, and new mail whatever its date."""
    known = cursor(10)
    again = followed(known, facts(uid_validity=8, uid_next=5), source=HERE, now=LATER)

    assert followed(known, facts(), source=HERE, now=LATER) is known
    assert next_window(again, facts(uid_validity=8, uid_next=7)) == Window(1, 4, date(2026, 11, 21))
    assert next_window(past(again, 4), facts(uid_validity=8, uid_next=7)) == Window(5, 6, None)


def test_a_mailbox_that_is_taken_whole_is_read_again_whole():
    """Where all mail was wanted, no date leaves any out."""
    again = followed(cursor(10, start_from="all"), facts(uid_validity=8), source=HERE, now=LATER)

    assert next_window(again, facts(uid_validity=8)) == Window(1, 10, None)


@pytest.mark.parametrize("now_is", [facts(uid_next=10), facts(uid_validity=8)])
def test_uids_that_went_back_mean_another_folder(now_is: FolderFacts):
    """A server restored from a backup may keep its UIDVALIDITY: its next mails would be below the cursor for ever."""
    again = followed(cursor(10), now_is, source=HERE, now=LATER)

    assert again.last_uid == 0
    assert again.reread_until == now_is.uid_next - 1


def test_a_folder_that_begins_anew_again_and_again_is_left_alone_for_a_while():
    """Else a broken server would have us read its mailbox for ever; other settings are another matter."""
    once = followed(cursor(10), facts(uid_validity=8), source=HERE, now=LATER)
    soon = LATER + timedelta(minutes=1)
    with pytest.raises(ImapFailure, match="folder_unsteady"):
        followed(once, facts(uid_validity=9), source=HERE, now=soon)

    assert followed(once, facts(uid_validity=9), source="elsewhere", now=soon).uid_validity == 9
    assert followed(once, facts(uid_validity=9), source=HERE, now=LATER + timedelta(minutes=11)).uid_validity == 9


def test_a_large_mailbox_is_asked_for_in_parts():
    """An answer stays a line that can be read, however many mails there are."""
    everything = facts(uid_next=1_000_001, exists=900_000)

    assert next_window(cursor(0), everything) == Window(1, 50_000)
    assert next_window(cursor(980_000), everything) == Window(980_001, 1_000_000)


@given(st.sets(st.integers(1, 60)), st.integers(1, 60), st.integers(1, 3))
def test_every_mail_is_taken_once(existing: set[int], uid_next: int, times: int):
    """Whatever gaps there are and however often one looks, each mail below UIDNEXT is taken exactly once (I4)."""
    taken: list[int] = []
    known = cursor(0)
    for _ in range(times):
        now_is = facts(uid_next=uid_next, exists=len(existing))
        while (window := next_window(followed(known, now_is, source=HERE, now=LATER), now_is)) is not None:
            taken += wanted(window, existing)
            known = past(known, window.last)

    assert taken == sorted(uid for uid in existing if uid < uid_next)


@pytest.mark.parametrize("numbers", [(0, 1, 0), (1, 0, 0), (2**32, 1, 0), (1, 2**32 + 1, 0), (1, 1, -1)])
def test_numbers_that_no_folder_has_are_refused(numbers: tuple[int, int, int]):
    """A hostile server's numbers never reach the store."""
    with pytest.raises(ValueError, match="not the numbers"):
        FolderFacts(*numbers)


def test_pauses_grow_to_five_minutes_and_are_never_the_end():
    """Full jitter between nothing and the limit, which begins at a second (X1)."""
    chance = random.Random(1)  # noqa: S311 - jitter
    first = [pause_seconds("connection_lost", 1, chance) for _ in range(200)]
    much_later = [pause_seconds("connection_lost", 5000, chance) for _ in range(200)]

    assert 0 <= min(first) < 0.1
    assert 0.9 < max(first) <= 1
    assert min(much_later) < 10
    assert 290 < max(much_later) <= 300


def test_a_refused_password_is_not_tried_again_soon():
    """Providers lock accounts that knock too often."""
    chance = random.Random(1)  # noqa: S311 - jitter
    first = [pause_seconds("login_refused", 1, chance) for _ in range(200)]
    much_later = [pause_seconds("login_refused", 50, chance) for _ in range(200)]

    assert 30 <= min(first) < max(first) <= 60
    assert 1800 <= min(much_later) < max(much_later) <= 3600
