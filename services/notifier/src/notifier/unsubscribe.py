"""The link by which a customer ends automatic mail: signed, naming the delivery it came with. Pure."""

import re

from contracts.ids import derive_id
from service_kit.signing import Signer

_TOKEN = re.compile(r"([0-9a-f]{24})([a-z2-7]{16})")
_PURPOSE = "unsubscribe"


class UnsubscribeLinks:
    """Writes and reads what only we can have written."""

    def __init__(self, signer: Signer, origin: str) -> None:
        self._signer = signer
        self._origin = origin

    def link_of(self, message_id: str) -> str:
        """The link for the mail of a message."""
        delivery = derive_id("del", message_id).removeprefix("del_")
        return f"{self._origin}/u/{delivery}{self._signer.sign(_PURPOSE, delivery)}"

    def delivery_of(self, token: str) -> str | None:
        """The delivery that a token names, if it is one of ours."""
        found = _TOKEN.fullmatch(token)
        if found is None or not self._signer.verify(found[2], _PURPOSE, found[1]):
            return None
        return f"del_{found[1]}"
