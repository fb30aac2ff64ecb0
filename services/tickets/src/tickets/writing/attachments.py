"""Files that agents attach, and the bytes of any attachment."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.ids import new_id
from contracts.people import Attachment
from service_kit.blobs import BlobMissing, Blobs
from service_kit.problem import Problem
from tickets.ticket.ticket_problems import no_such

MAX_FILES = 10
MAX_TOTAL_BYTES = 10 * 1024 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
"""Of a whole request: the files in base64, and the rest."""


class NewAttachment(BaseModel):
    """A file to send, in base64."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
    content_type: Annotated[str, Field(max_length=200, pattern=r"^[a-zA-Z0-9!#$&^_.+-]+/[a-zA-Z0-9!#$&^_.+-]+$")] = (
        "application/octet-stream"
    )
    content: Annotated[str, Field(min_length=1, max_length=MAX_BODY_BYTES)]


class Attachments:
    """Files in the blob store."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def keep(self, account_id: str, files: Sequence[NewAttachment]) -> tuple[Attachment, ...]:
        """Store files before a message names them.

        Raises:
            Problem: a file is not base64, or all together are too large.
        """
        decoded = [(file, _decoded(file)) for file in files]
        if sum(len(data) for _, data in decoded) > MAX_TOTAL_BYTES:
            raise Problem(413, "too_large", f"The attachments may have {MAX_TOTAL_BYTES} bytes together.")
        return tuple([await self._keep_one(account_id, file, data) for file, data in decoded])

    async def read(self, attachment: Attachment) -> bytes:
        """The bytes of one.

        Raises:
            Problem: they are not there any more.
        """
        try:
            return await self._blobs.get(attachment.blob_key)
        except BlobMissing as error:
            raise no_such("attachment") from error

    async def _keep_one(self, account_id: str, file: NewAttachment, data: bytes) -> Attachment:
        attachment_id = new_id("att")
        key = f"{account_id}/attachment/{attachment_id}"
        await self._blobs.put(key, data)
        return Attachment(
            id=attachment_id, name=file.name, content_type=file.content_type, size=len(data), blob_key=key
        )


def _decoded(file: NewAttachment) -> bytes:
    try:
        return base64.b64decode(file.content, validate=True)
    except binascii.Error as error:
        raise Problem(422, "invalid_request", f"The content of {file.name!r} is not base64.") from error
