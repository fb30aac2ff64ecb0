"""Who is online, as the router last said: what decides whether a reopened ticket keeps its assignee (L3)."""

from collections.abc import Iterable, Sequence

from contracts.presence import AgentAvailabilityChanged
from service_kit.docstore import DocStore, Fate
from service_kit.errors import TransientError
from tickets.people.agent_presence import PRESENCE, Presence

_ATTEMPTS = 20


class PresenceContended(TransientError):
    """The same agents changed each time they were about to be written."""


class PresenceStore:
    """The newest word about each agent."""

    def __init__(self, store: DocStore) -> None:
        self._presence = store.collection(PRESENCE)

    async def online(self, agent_ids: Iterable[str]) -> frozenset[str]:
        """Those of `agent_ids` that are online; nobody is until the router says so."""
        found = await self._presence.get_many(agent_ids)
        return frozenset(agent_id for agent_id, presence in found.items() if presence.online)

    async def record(self, events: Sequence[AgentAvailabilityChanged]) -> None:
        """Take in what the router says; older words than the known one change nothing."""
        latest: dict[str, AgentAvailabilityChanged] = {}
        for event in events:
            if event.agent_id not in latest or event.time >= latest[event.agent_id].time:
                latest[event.agent_id] = event
        for _ in range(_ATTEMPTS):
            known = await self._presence.get_many(latest)
            wanted = [
                _presence(event, known.get(agent_id))
                for agent_id, event in latest.items()
                if agent_id not in known or known[agent_id].said_at < event.time
            ]
            new = [presence for presence in wanted if presence.rev == 0]
            changed = [presence for presence in wanted if presence.rev > 0]
            fates = [*await self._presence.insert_many(new), *await self._presence.replace_many(changed)]
            if all(fate is Fate.DONE for fate in fates):
                return
        raise PresenceContended(f"{len(latest)} agents changed {_ATTEMPTS} times meanwhile")


def _presence(event: AgentAvailabilityChanged, known: Presence | None) -> Presence:
    return Presence(
        id=event.agent_id,
        rev=known.rev if known else 0,
        account_id=event.account_id,
        online=event.online,
        said_at=event.time,
    )
