"""Finding the agents whom a note mentions."""

from collections.abc import Sequence

from service_kit.auth import Principal
from service_kit.problem import Problem
from tickets.mentions.mentions import MOST_MENTIONED, meant, mentioned, named_in, unknown
from tickets.people.agent_directory import AgentLookup


class MentionResolution:
    """Knows the account's agents; asks for all of them only where a text names one."""

    def __init__(self, agents: AgentLookup) -> None:
        self._agents = agents

    async def resolve(self, principal: Principal, text: str, given: Sequence[str]) -> tuple[str, ...]:
        """The agents mentioned by id and in the text, without the author.

        An address or a name in the text that is no agent's is just text: it may be a customer's.

        Raises:
            Problem: an id is no agent of the account, or too many are mentioned.
        """
        account_id = principal.account_id
        found = await self._agents.get_many(account_id, given) if given else {}
        if unknown(given, [one.id for one in found.values() if one.active]):
            raise Problem(422, "unknown_agent", "An agent in `mentions` is not in this account, or has left.")
        named = named_in(text)
        by_text = meant(named, await self._agents.active(account_id)) if named else ()
        agents = mentioned(given, by_text, principal.agent_id)
        if len(agents) > MOST_MENTIONED:
            raise Problem(422, "too_many_mentions", f"A note may mention {MOST_MENTIONED} agents.")
        return agents
