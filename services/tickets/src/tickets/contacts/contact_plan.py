"""Deciding a batch of outside reports about contacts in memory. Pure: drafts in, drafts out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.contacts import ContactEventRecorded, ContactIdentity, ContactUpdated
from tickets.contacts.contact_model import Contact, ContactActivity, Identity
from tickets.contacts.contact_parts import has_room, in_part
from tickets.contacts.contacts import (
    identity,
    new_contact,
    published,
    with_consent_of_all,
    with_facts,
    with_identity,
)
from tickets.privacy.number_stop import with_stop
from tickets.ticket.drafts import Drafts

Report = ContactUpdated | ContactEventRecorded


@dataclass(frozen=True, slots=True)
class Reported:
    """One report, and the contacts it is about."""

    report: Report
    contact_ids: frozenset[str]


@dataclass(slots=True)
class ContactPlan:
    """One round's decisions about `identities` and `contacts`; `homes` says which contact a merged one is by now.

    `stops` are those that numbers said before they were forgotten, by identity.
    """

    identities: Drafts[Identity]
    contacts: Drafts[Contact]
    now: datetime
    homes: Mapping[str, str] = field(default_factory=dict)
    stops: Mapping[str, datetime] = field(default_factory=dict)
    outcomes: list[Reported] = field(default_factory=list)
    activities: dict[str, list[ContactActivity]] = field(default_factory=dict)

    def take(self, report: Report) -> None:
        """Decide the next report.

        One that names several known contacts is about each of them: merging is a person's decision.
        """
        known = self._resolve(report.account_id, report.contact)
        concerned = dict.fromkeys(known_as.contact_id for known_as in known)
        for contact_id in concerned:
            own = [known_as for known_as in known if known_as.contact_id == contact_id]
            self.contacts.put(self._told(contact_id, own, report))
        if isinstance(report, ContactEventRecorded):
            contact_id = next(iter(concerned))
            self.activities.setdefault(self.home(contact_id), []).append(_activity(report, contact_id))
        self.outcomes.append(Reported(report, frozenset(map(self.home, concerned))))

    def home(self, contact_id: str) -> str:
        """The contact that an identity's contact is by now."""
        return self.homes.get(contact_id, contact_id)

    def finish(self) -> None:
        """Number and announce the contacts that changed."""
        for contact in self.contacts.changed:
            self.contacts.put(published(self.contacts.before(contact.id), contact, self.now))

    def _resolve(self, account_id: str, named: ContactIdentity) -> Sequence[Identity]:
        """The identities named; those that are new belong to the first contact that is known, or begin one.

        They begin one too where that contact is known by as many names as it may be.
        """
        wanted = named_identities(account_id, named)
        known = [found for one in wanted if (found := self.identities.get(one.id)) is not None]
        home = known[0].contact_id if known else wanted[0].contact_id
        for one in wanted:
            if self.identities.get(one.id) is None:
                self.identities.put(one.model_copy(update={"contact_id": home}) if self._has_room(home) else one)
        return [found for one in wanted if (found := self.identities.get(one.id)) is not None]

    def _has_room(self, contact_id: str) -> bool:
        contact = self.contacts.get(self.home(contact_id))
        return contact is None or has_room(contact, contact_id)

    def _told(self, contact_id: str, own: Sequence[Identity], report: Report) -> Contact:
        contact = self.contacts.get(self.home(contact_id)) or new_contact(contact_id, report.account_id, self.now)
        phones = tuple(known_as.value for known_as in own if known_as.kind == "phone")

        def told(part: Contact) -> Contact:
            for known_as in own:
                part = with_stop(with_identity(part, known_as), known_as, self.stops.get(known_as.id))
            if isinstance(report, ContactEventRecorded):
                return part
            return with_facts(part, report, phones if report.contact.phone is not None else part.phones)

        contact = in_part(contact, contact_id, told)
        if contact.parts and isinstance(report, ContactUpdated) and report.contact.phone is None:
            return with_consent_of_all(contact, report)
        return contact


def named_identities(account_id: str, named: ContactIdentity) -> Sequence[Identity]:
    """What a report names a contact by, in a fixed order."""
    wanted: list[Identity] = []
    if named.email:
        wanted.append(identity(account_id, "email", named.email))
    if named.phone:
        wanted.append(identity(account_id, "phone", named.phone))
    if named.external_id:
        wanted.append(identity(account_id, "external", named.external_id))
    return wanted


def _activity(report: ContactEventRecorded, contact_id: str) -> ContactActivity:
    return ContactActivity(
        id=report.id,
        account_id=report.account_id,
        contact_id=contact_id,
        metric=report.metric,
        at=report.at,
        properties=report.properties,
    )
