"""Lines of the intake ledger about forgotten messages: the verdict stays, and what named the message goes (I2, S3)."""

from collections.abc import Iterable

from tickets.ledger.intake_ledger import IntakeLedger
from tickets.privacy.erasure_blobs import ErasureBlobs


class ErasureLedger:
    """Takes names out of the ledger, and away the raw mail that it points to."""

    def __init__(self, ledger: IntakeLedger, blobs: ErasureBlobs) -> None:
        self._ledger = ledger
        self._blobs = blobs

    async def forget(self, account_id: str, provider_message_ids: Iterable[str | None]) -> None:
        """Forget every delivery of these messages; raw mail first, so that this can be done again to the end."""
        names = sorted({name for name in provider_message_ids if name})
        entries = await self._ledger.of_messages(account_id, names)
        await self._blobs.forget_raw(entry.raw_blob_key for entry in entries if entry.raw_blob_key)
        await self._ledger.replace(
            [entry.model_copy(update={"provider_message_id": entry.id, "raw_blob_key": None}) for entry in entries]
        )
