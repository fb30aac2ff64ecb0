"""Human ticket numbers: they rise per account and are taken in blocks, so that gaps are allowed (L7)."""

from service_kit.docstore import CollectionSpec, DocStore, Document, Fate
from service_kit.errors import TransientError


class NumberCounter(Document):
    """The next free ticket number of one account; the id is the account's."""

    next_number: int = 1


NUMBERS = CollectionSpec(name="ticket_numbers", model=NumberCounter)

_ATTEMPTS = 50
_FEW = 20
_AHEAD = 10
"""Where many are wanted at once, so many times as many are taken: the next batches find them at hand."""


class NumbersContended(TransientError):
    """The counter of an account changed each time a block was about to be taken."""


class TicketNumbers:
    """Lends numbers to whoever may open tickets, and takes back what was not used.

    A restart loses those at hand.
    """

    def __init__(self, store: DocStore) -> None:
        self._counters = store.collection(NUMBERS)
        self._at_hand: dict[str, list[int]] = {}
        self._known: dict[str, NumberCounter] = {}

    async def borrow(self, account_id: str, count: int) -> list[int]:
        """`count` numbers that nobody else has, lowest first."""
        at_hand = self._at_hand.pop(account_id, [])
        if len(at_hand) < count:
            at_hand += await self._take(account_id, count - len(at_hand))
        self.give_back(account_id, at_hand[count:])
        return at_hand[:count]

    def give_back(self, account_id: str, numbers: list[int]) -> None:
        """Numbers that opened no ticket."""
        if numbers:
            self._at_hand[account_id] = sorted([*self._at_hand.get(account_id, []), *numbers])

    async def _take(self, account_id: str, missing: int) -> list[int]:
        count = missing if missing <= _FEW else missing * _AHEAD
        for _ in range(_ATTEMPTS):
            counter = self._known.pop(account_id, None) or await self._read(account_id)
            first = counter.next_number
            wanted = counter.model_copy(update={"next_number": first + count})
            write = self._counters.replace_many if counter.rev else self._counters.insert_many
            if (await write([wanted]))[0] is Fate.DONE:
                self._known[account_id] = wanted.model_copy(update={"rev": wanted.rev + 1})
                return list(range(first, first + count))
        raise NumbersContended(f"the ticket numbers of {account_id} are contended")

    async def _read(self, account_id: str) -> NumberCounter:
        return await self._counters.get(account_id) or NumberCounter(id=account_id)
