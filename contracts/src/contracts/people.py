"""Who did something, and to whom: shapes shared by several subjects."""

from typing import Literal

from pydantic import Field

from contracts.envelope import Shape

Channel = Literal["email", "sms", "web_chat"]
"""Public contract: the three ways a customer can write."""

Role = Literal["owner", "admin", "manager", "support"]
"""Public contract: the roles of people (S1)."""


class Actor(Shape):
    """Who caused a change: a customer, an agent, a service using an API key, or Deskbus itself."""

    kind: Literal["customer", "agent", "service", "system"]
    id: str | None = None


class Party(Shape):
    """One end of a message as the channel names it. At least one address is given."""

    name: str | None = Field(default=None, max_length=500)
    email: str | None = Field(default=None, max_length=320)
    phone: str | None = Field(default=None, max_length=32, description="E.164")
    visitor_id: str | None = Field(default=None, max_length=100)


class Attachment(Shape):
    """A file kept in the blob store. `size` is in bytes; `content_id` is set for inline images (`cid:`)."""

    id: str
    name: str = Field(max_length=500)
    content_type: str = Field(max_length=200)
    size: int = Field(ge=0)
    blob_key: str
    content_id: str | None = None
