"""The largest events whose size lists decide: of tickets, contacts, settings, decisions and the audit log."""

from typing import Any

from contracts.audit import AuditRecorded
from contracts.envelope import Event
from contracts.erasure import ContactErased
from contracts.routing import AssignmentDecided, Candidate, LosingTeam
from contracts.settings import SettingsChanged, SmsNumber, SmsSettings
from contracts.tickets import CustomFieldChange, TicketCustomFieldsChanged, TicketSplit, TicketTagsChanged
from largest_events.filling import ACTOR, AN_ID, FACTS, NOON, envelope, filled, of_ticket, text_of
from router.teams.overflow import MAX_HOPS
from router.teams.teams import TEAMS_PER_ACCOUNT
from service_kit.secret_box import SecretBox
from service_kit.settings_area import MAX_PATCHED_BYTES
from service_kit.settings_codec import SettingsCodec
from tickets.contacts.contact_event import changed_event
from tickets.contacts.contact_merge import MAX_PARTS
from tickets.contacts.contact_model import Contact, NumberSaid, SaidAny, SaidBool
from tickets.contacts.contact_parts import MAX_CUSTOM_FIELDS, MAX_IDENTITIES, MAX_IDENTITY_BYTES
from tickets.contacts.reported_events import ContactEventReport, ContactUpdatedReport
from tickets.custom.custom_fields import CUSTOM_FIELDS_PER_ACCOUNT
from tickets.people.agents import AGENTS_PER_ACCOUNT
from tickets.privacy.erasure import named
from tickets.reshaping.split import MAX_SPLIT_MESSAGES

BOX = SecretBox("a key of enough length for a test")


def tags_changed() -> Event:
    """All tags replaced."""
    return of_ticket(TicketTagsChanged, added=FACTS.tags, removed=FACTS.tags)


def fields_changed() -> Event:
    """Every custom field set to another choice."""
    change = CustomFieldChange(key="k" * 50, field_type="choice", previous=text_of(200), value=text_of(200))
    return of_ticket(TicketCustomFieldsChanged, changes=(change,) * CUSTOM_FIELDS_PER_ACCOUNT)


def split() -> Event:
    """As many messages as may go at once."""
    return of_ticket(TicketSplit, message_ids=(AN_ID,) * MAX_SPLIT_MESSAGES)


def reported(**data: Any) -> dict[str, Any]:
    """A CloudEvent of an outside system."""
    whom = {"email": "j@c.example", "phone": "+33612345678", "external_id": text_of(200)}
    return {"specversion": "1.0", "id": "1", "source": "crm", "data": {"contact": whom, **data}}


def contact_updated() -> Event:
    """All that one report may say."""
    data = {"name": text_of(500), "segments": ["s" * 200] * 1_000, "custom": {"k": "c" * 16_000}}
    given = {**reported(**data), "type": "support.contact.updated.v1"}
    return ContactUpdatedReport.model_validate(given).to_event("a" * 100, NOON)


def contact_act() -> Event:
    """All that one act may say."""
    data = {"metric": text_of(200), "at": NOON, "properties": {"k": "p" * 16_000}}
    given = {**reported(**data), "type": "support.contact.event_recorded.v1"}
    return ContactEventReport.model_validate(given).to_event("a" * 100, NOON)


def known_well() -> Contact:
    """Twenty contacts that became one, each as well known as it may be."""
    said = SaidBool(value=True, at=NOON)
    phones = tuple(f"+{number:015}" for number in range(MAX_PARTS * MAX_IDENTITIES))
    return Contact(
        id=AN_ID,
        account_id="a" * 100,
        name=text_of(500),
        emails=tuple("e" * 320 for _ in range(MAX_PARTS * (MAX_IDENTITY_BYTES // 320 + 3))),
        phones=phones,
        segments=("s" * 200,) * 1_000 * MAX_PARTS,
        sms_consent={one: NumberSaid(marketing=said, transactional=said, stopped=said) for one in phones},
        custom={str(number): SaidAny(value="c" * 16_000, at=NOON) for number in range(MAX_CUSTOM_FIELDS)},
        created_at=NOON,
        updated_at=NOON,
    )


def contact_changed() -> Event:
    """Of a contact too large for an event the numbers and their consent are told all the same (M5)."""
    contact = known_well()
    told = changed_event(contact, NOON)

    assert (told.phones, told.sms_consent.keys()) == (contact.phones, contact.sms_consent.keys())
    assert set(told.left_out) >= {"custom", "segments"}
    return told


def contact_erased() -> Event:
    """An order that names the same contact, sealed."""
    contact = known_well().model_copy(update={"phones": ()})
    sealed = BOX.encrypt(named(contact).model_dump_json())
    told: Event = filled(ContactErased, **envelope(sealed=sealed, contact_id=AN_ID, ticket_ids=("t" * 28,) * 1_000))
    return told


def settings_changed() -> Event:
    """As many secrets as an area takes: encrypted they take a third more, and each something besides."""
    secret = "s" * (MAX_PATCHED_BYTES // 500 - 40)
    number = SmsNumber(account_sid="a" * 100, auth_tokens=(secret,) * 5)
    area = SmsSettings(numbers={f"+{index:014}": number for index in range(100)})
    value = SettingsCodec(SmsSettings, BOX).seal(area)
    told: Event = filled(SettingsChanged, **envelope(area="sms", value=value))
    return told


def decided() -> Event:
    """Every agent a candidate, every team a loser."""
    candidate = Candidate(agent_id="g" * 28, eligible=False, reason="no_permission")
    loser = LosingTeam(team_id="t" * 28, rank=1_000_000, matched_by="segment")
    given = {
        "ticket_id": AN_ID,
        "candidates": (candidate,) * AGENTS_PER_ACCOUNT,
        "losing_teams": (loser,) * TEAMS_PER_ACCOUNT,
        "overflowed_from": (AN_ID,) * MAX_HOPS,
    }
    told: Event = filled(AssignmentDecided, **envelope(**given))
    return told


def audited() -> Event:
    """As many names and details as an entry takes."""
    fields = tuple(text_of(200) for _ in range(60))
    details = {f"{number:02}{text_of(98)}": text_of(500) for number in range(30)}
    told: Event = filled(
        AuditRecorded, **envelope(action="settings.changed", actor=ACTOR, fields=fields, details=details)
    )
    return told
