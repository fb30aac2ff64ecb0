"""How often macros are used: counted from the events that tell of messages (N2)."""

from collections.abc import Sequence

from contracts.tickets import TicketEvent, TicketMessageAdded
from service_kit.docstore import Fate
from service_kit.errors import TransientError
from tickets.macros.macro_store import MacroStore
from tickets.macros.macros import used

_ATTEMPTS = 50


class MacroContended(TransientError):
    """A macro changed each time a use of it was about to be counted."""


class MacroUses:
    """Counts each message once, however often its event is published; so a crash loses no use."""

    def __init__(self, macros: MacroStore) -> None:
        self._macros = macros

    async def count(self, told: Sequence[TicketEvent]) -> None:
        """Count the messages that were written with a macro."""
        for event in told:
            if isinstance(event, TicketMessageAdded) and event.macro_id is not None:
                await self._count(event, event.macro_id)

    async def _count(self, event: TicketMessageAdded, macro_id: str) -> None:
        for _ in range(_ATTEMPTS):
            macro = await self._macros.find(event.account_id, macro_id)
            if macro is None:
                return  # removed meanwhile, and its count with it
            after = used(macro, event.message_id, event.time)
            if after is macro or await self._macros.replace(after) is Fate.DONE:
                return
        raise MacroContended(f"macro {macro_id} changed {_ATTEMPTS} times meanwhile")
