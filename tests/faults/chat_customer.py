"""Visitors who chat. Their widget sends a message again, under the same name, until it is acknowledged."""

from random import Random

from faults.history import History, Inbound
from faults.patience import Patience, RefusedForGoodError, TryLaterError
from faults.widget import Widget

_TWICE = 0.1
_GONE = 0.15
_INTRODUCED = 0.4


class ChatCustomer:
    """One visitor. Each message waits until the one before was acknowledged."""

    def __init__(self, name: str, widget: Widget, history: History, chance: Random) -> None:
        self._name = name
        self._history = history
        self._chance = chance
        self._sent: list[Inbound] = []
        self.widget = widget

    async def write(self) -> None:
        """One more message, until it is acknowledged; sometimes once again, sometimes after going away."""
        if self._chance.random() < _GONE:
            await self.leave()
        marker = f"in{self._chance.getrandbits(64):016x}"
        message = Inbound("web_chat", self._name, marker, marker, len(self._sent))
        self._history.inbound.append(message)
        self._sent.append(message)
        await self._until_acknowledged(message)
        if self._chance.random() < _TWICE:
            await self._until_acknowledged(message)

    async def leave(self) -> None:
        """Go away without a word."""
        await self.widget.leave()

    async def _until_acknowledged(self, message: Inbound) -> None:
        patience = Patience(self._chance)
        while True:
            message.attempts += 1
            try:
                await self._say(message)
            except TryLaterError:
                await self.leave()
                await patience.pause()
            except RefusedForGoodError as error:
                self._history.refusals.append(f"chat {message.marker}: {error}")
                return
            else:
                return

    async def _say(self, message: Inbound) -> None:
        name = f"{self._name} the {message.place}th" if self._chance.random() < _INTRODUCED else None
        seq = await self.widget.say(message.marker, f"My words are {message.marker}.", introduced_as=name)
        message.acknowledged += 1
        message.chat_seqs.add(seq)
        message.thread = message.thread or self.widget.threads[-1].conversation_id
