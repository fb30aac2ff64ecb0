"""Every query for availability."""

from collections.abc import Sequence
from datetime import datetime

from router.availability.availability import AVAILABILITY, Availability, availability_id, never_set
from service_kit.docstore import All, Collection, DocStore, Eq, Fate, Page
from service_kit.docstore.every_page import every


class AvailabilityStore:
    """The switches of all agents. Every read but the sweep names the account."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[Availability] = store.collection(AVAILABILITY)

    async def of_agent(self, account_id: str, agent_id: str, now: datetime) -> Availability:
        """One agent's switch, as never set where it was not."""
        found = await self.collection.get(availability_id(account_id, agent_id))
        return found or never_set(account_id, agent_id, now)

    async def of_account(self, account_id: str) -> Sequence[Availability]:
        """The switches that were ever set."""
        return await every(self.collection, Eq("account_id", account_id))

    async def online(self, account_id: str) -> frozenset[str]:
        """Who is online."""
        switches = await every(self.collection, All(Eq("account_id", account_id), Eq("online", value=True)))
        return frozenset(switch.agent_id for switch in switches)

    async def online_by_session(self, *, cursor: str | None) -> Page[Availability]:
        """Whoever is online for as long as their session lives, in every account."""
        by_session = All(Eq("online", value=True), Eq("declared_by", "session"))
        return await self.collection.find(by_session, limit=200, cursor=cursor)

    async def save(self, availability: Availability) -> Availability | None:
        """Write it, and the document as now stored; None when somebody else wrote first."""
        write = self.collection.insert_many if availability.rev == 0 else self.collection.replace_many
        (fate,) = await write([availability])
        return availability.model_copy(update={"rev": availability.rev + 1}) if fate is Fate.DONE else None
