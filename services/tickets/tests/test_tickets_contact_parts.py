from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.people import Actor
from tickets.contacts.contact_merge import (
    MAX_PARTS,
    absorbed,
    claimed,
    departed,
    leaving,
    may_claim,
    objection,
    released,
    restored,
    without,
)
from tickets.contacts.contact_model import (
    Contact,
    ContactMergeClaim,
    ContactPart,
    NumberSaid,
    SaidAny,
    SaidBool,
)
from tickets.contacts.contact_parts import in_part, later

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")
FACTS = tuple(field for field in ContactPart.model_fields if field != "into")

moments = st.integers(0, 9).map(lambda minutes: NOON + timedelta(minutes=minutes))
words = st.sampled_from(("a", "b", "c"))
said_bools = st.none() | st.builds(SaidBool, value=st.booleans(), at=moments)


@st.composite
def contacts(draw: st.DrawFn, contact_id: str) -> Contact:
    """A contact with facts of its own; identities are nobody else's."""
    named = draw(st.none() | words)
    phones = draw(st.lists(words, unique=True, max_size=2).map(lambda some: tuple(f"{contact_id}+{w}" for w in some)))
    return Contact(
        id=contact_id,
        account_id="acc_1",
        name=named,
        name_said_at=draw(st.none() | moments) if named else None,
        emails=draw(st.lists(words, unique=True).map(lambda some: tuple(f"{word}@{contact_id}" for word in some))),
        phones=phones,
        unverified_email=draw(st.none() | words),
        segments=draw(st.lists(words, unique=True).map(tuple)),
        segments_said_at=draw(st.none() | moments),
        sms_consent={
            phone: NumberSaid(marketing=draw(said_bools), transactional=draw(said_bools), stopped=draw(said_bools))
            for phone in phones
        },
        custom=draw(st.dictionaries(words, st.builds(SaidAny, value=st.integers(), at=moments))),
        created_at=NOON,
        updated_at=NOON,
    )


def _claim(kind: Any, source: Contact, target: Contact) -> ContactMergeClaim:
    return ContactMergeClaim(kind=kind, source_id=source.id, target_id=target.id, actor=ANN, at=NOON)


def _merge(source: Contact, target: Contact) -> tuple[Contact, Contact]:
    """Both after the merge."""
    claim = _claim("merge", source, target)
    source, target = claimed(source, claim, NOON), claimed(target, claim, NOON)
    target = absorbed(target, source)
    return departed(source, claim), released(target, claim)


def _unmerge(source: Contact, target: Contact) -> tuple[Contact, Contact]:
    """Both after the merge was undone."""
    claim = _claim("unmerge", source, target)
    source, target = claimed(source, claim, NOON), claimed(target, claim, NOON)
    source = restored(source, target, claim)
    return released(source, claim), released(without(target, source.id), claim)


def _facts(contact: Contact) -> dict[str, Any]:
    return {field: getattr(contact, field) for field in FACTS}


@given(contacts("s"), contacts("t"))
def test_undoing_a_merge_leaves_no_trace(source: Contact, target: Contact) -> None:
    """Merged and unmerged, each knows exactly what it knew (V3)."""
    back, alone = _unmerge(*_merge(source, target))

    assert (_facts(back), _facts(alone)) == (_facts(source), _facts(target))
    assert (back.parts, alone.parts, back.merged_into) == ({}, {}, None)
    assert (back.merge_claim, alone.merge_claim, back.due_at, alone.due_at) == (None, None, None, None)


@given(contacts("s"), contacts("t"))
def test_a_merge_loses_nothing(source: Contact, target: Contact) -> None:
    """The whole has the identities, segments, numbers and fields of both; the source has none any more."""
    gone, whole = _merge(source, target)

    for field in ("emails", "phones", "segments"):
        assert set(getattr(whole, field)) == {*getattr(source, field), *getattr(target, field)}
    assert whole.custom.keys() == source.custom.keys() | target.custom.keys()
    assert (gone.merged_into, gone.ids, whole.ids) == ("t", ("s",), ("t", "s"))
    assert _facts(gone) == _facts(Contact(id="s", account_id="acc_1", created_at=NOON, updated_at=NOON))


@given(contacts("s"), contacts("t"))
def test_a_stop_outlives_a_merge(source: Contact, target: Contact) -> None:
    """Whoever of the two a number is of, it is stopped in the whole if it was (M5)."""
    _, whole = _merge(source, target)
    stopped = {phone for one in (source, target) for phone, said in one.sms_consent.items() if said.is_stopped}

    assert {phone for phone, said in whole.sms_consent.items() if said.is_stopped} == stopped


def test_of_two_words_about_one_number_the_stop_wins() -> None:
    """Were a number known to both, a stop of either would hold, even an older one (M5)."""
    stop = NumberSaid(stopped=SaidBool(value=True, at=NOON))
    start = NumberSaid(
        marketing=SaidBool(value=True, at=NOON), stopped=SaidBool(value=False, at=NOON + timedelta(hours=1))
    )
    fields = {"account_id": "acc_1", "created_at": NOON, "updated_at": NOON}
    one = Contact(id="s", sms_consent={"+1": stop}, **fields)
    two = Contact(id="t", sms_consent={"+1": start}, **fields)
    _, whole = _merge(one, two)

    assert whole.sms_consent["+1"].is_stopped
    assert not whole.sms_consent["+1"].is_given


@given(contacts("s"), contacts("t"), st.integers())
def test_what_is_said_of_a_part_goes_with_it(source: Contact, target: Contact, value: int) -> None:
    """A fact about the source that comes while it is merged shows in the whole, and leaves with the source."""
    late = SaidAny(value=value, at=NOON + timedelta(days=1))
    gone, whole = _merge(source, target)
    whole = in_part(whole, "s", lambda part: part.model_copy(update={"custom": {**part.custom, "late": late}}))
    back, alone = _unmerge(gone, whole)

    assert whole.custom["late"] == late
    assert back.custom == {**source.custom, "late": late}
    assert _facts(alone) == _facts(target)


@given(contacts("s"), contacts("t"))
def test_each_step_may_be_done_again(source: Contact, target: Contact) -> None:
    """Absorbing, restoring and taking away a second time change nothing."""
    gone, whole = _merge(source, target)
    claim = _claim("unmerge", source, target)
    back = restored(gone, whole, claim)
    alone = without(whole, "s")

    assert absorbed(whole, source) is whole
    assert restored(back, whole, claim) is back
    assert without(alone, "s") is alone


@given(contacts("a"), contacts("b"), contacts("c"))
def test_chains_come_apart_where_they_were_joined(one: Contact, two: Contact, three: Contact) -> None:
    """Of a into b into c, unmerging b gives b with a in it, and c as it was (L7)."""
    one, ab = _merge(one, two)
    gone, whole = _merge(ab, three)
    before = leaving(whole, "b")
    back, alone = _unmerge(gone, whole)

    assert before == {"a", "b"}
    assert whole.ids == ("c", "b", "a")
    assert (_facts(back), back.parts, _facts(alone)) == (_facts(ab), ab.parts, _facts(three))
    assert one.merged_into == "b"


@given(contacts("a"), contacts("b"), contacts("c"))
def test_the_middle_of_a_chain_may_leave_alone(one: Contact, two: Contact, three: Contact) -> None:
    """Of a into b into c, a can be taken out while b stays in c."""
    gone, ab = _merge(one, two)
    _, whole = _merge(ab, three)
    back, left = _unmerge(gone, whole)

    assert _facts(back) == _facts(one)
    assert left.ids == ("c", "b")
    assert set(left.emails) == {*two.emails, *three.emails}


@given(contacts("s"), contacts("s"))
def test_later_does_not_depend_on_the_order(one: Contact, two: Contact) -> None:
    """Of two copies of a contact the newer of each fact remains, whichever is asked first, where moments differ."""
    first, second = (ContactPart.model_validate(_facts(contact)) for contact in (one, two))
    there, back = later(first, second), later(second, first)
    newest = max((p.segments_said_at for p in (first, second) if p.segments_said_at), default=None)

    assert there.segments_said_at == back.segments_said_at == newest
    assert set(there.phones) == set(back.phones)
    assert {k: said.at for k, said in there.custom.items()} == {k: said.at for k, said in back.custom.items()}


def test_every_fact_of_a_contact_is_one_of_a_part() -> None:
    """A fact that is added to contacts and forgotten here would be lost by a merge."""
    own = {
        *("id", "rev", "account_id", "version", "created_at", "updated_at", "search_tokens", "automatic"),
        *("outbox", "outbox_since", "due", "due_at", "blocked", "erased_at"),
        *("parts", "merged_into", "merge_claim", "merge_settled_at"),
    }

    assert set(Contact.model_fields) - own == set(FACTS)


@pytest.fixture
def plain() -> Contact:
    """A contact of whom nothing is known."""
    return Contact(id="t", account_id="acc_1", created_at=NOON, updated_at=NOON)


def test_a_claim_of_long_ago_is_not_taken_up_again(plain: Contact) -> None:
    """Who was held up while others merged and unmerged a contact does not merge it once more."""
    stale = _claim("merge", plain, plain.model_copy(update={"id": "u"}))
    since = plain.model_copy(update={"merge_settled_at": NOON + timedelta(seconds=1)})

    assert may_claim(plain, stale)
    assert not may_claim(since, stale)


def test_a_contact_has_a_number_of_parts(plain: Contact) -> None:
    """No more than so many contacts become one, because all their ids are asked for at once."""
    full = plain.model_copy(update={"parts": {f"p{number}": ContactPart() for number in range(MAX_PARTS)}})
    source = plain.model_copy(update={"id": "s"})

    assert objection(source, full) == "too_many_merged"


def test_the_blocked_are_merged_with_nobody(plain: Contact) -> None:
    """Neither does a block spread by a merge, nor is it lost by one (L9)."""
    source = plain.model_copy(update={"id": "s"})
    blocked = plain.model_copy(update={"blocked": True})

    assert objection(source, blocked) == "contact_blocked"
    assert objection(blocked, source) == "contact_blocked"
    assert objection(source, plain) is None
