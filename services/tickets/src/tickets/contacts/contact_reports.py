"""What outside systems and gateways report about contacts: read, decide, write, publish (design: Contacts)."""

from collections.abc import Sequence

from contracts.contacts import ContactEventRecorded, ContactUpdated
from contracts.envelope import Event
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.outbox import Outbox
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_plan import ContactPlan, Report, named_identities
from tickets.contacts.contact_store import ContactStore
from tickets.privacy.number_stop import NumberStops
from tickets.ticket.drafts import Drafts

_ATTEMPTS = 20


class ContactsContended(TransientError):
    """Somebody else changed the same contacts again and again."""


class ContactReports:
    """The use case behind `contact-events-v1`."""

    def __init__(self, contacts: ContactStore, outbox: Outbox[Contact], stops: NumberStops, clock: Clock) -> None:
        self._contacts = contacts
        self._outbox = outbox
        self._stops = stops
        self._clock = clock

    async def take_in(self, events: Sequence[Event]) -> None:
        """Take in a batch; returning means that all of it is stored and published."""
        waiting: Sequence[Report] = [e for e in events if isinstance(e, ContactUpdated | ContactEventRecorded)]
        for _ in range(_ATTEMPTS):
            if not waiting:
                return
            waiting = await self._round(waiting)
        if waiting:
            raise ContactsContended(f"{len(waiting)} reports about contacts could not be written")

    async def _round(self, reports: Sequence[Report]) -> Sequence[Report]:
        plan = await self._read(reports)
        for report in reports:
            plan.take(report)
        plan.finish()
        identities = plan.identities.changed
        refused = (await self._contacts.insert_identities(identities)).lost
        lost = frozenset(plan.home(known_as.contact_id) for known_as in identities if known_as.id in refused)
        outcome = await self._contacts.write([c for c in plan.contacts.changed if c.id not in lost])
        lost |= outcome.lost
        activities = [one for contact_id, done in plan.activities.items() if contact_id not in lost for one in done]
        await self._contacts.record_activities(activities)
        await self._outbox.publish(outcome.done)
        return [told.report for told in plan.outcomes if not lost.isdisjoint(told.contact_ids)]

    async def _read(self, reports: Sequence[Report]) -> ContactPlan:
        wanted = {one.id: one for report in reports for one in named_identities(report.account_id, report.contact)}
        identities = await self._contacts.identities(wanted)
        contact_ids = {(identities.get(an_id) or one).contact_id for an_id, one in wanted.items()}
        known = await self._contacts.get_many(contact_ids)
        contacts = Drafts({contact.id: contact for contact in known.values()})
        homes = {asked: contact.id for asked, contact in known.items()}
        stops = await self._stops.said(one for an_id, one in wanted.items() if an_id not in identities)
        return ContactPlan(Drafts(identities), contacts, self._clock.now(), homes, stops)
