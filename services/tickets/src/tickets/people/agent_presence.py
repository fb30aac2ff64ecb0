"""The document of who is online."""

from contracts.envelope import UtcDatetime
from service_kit.docstore import CollectionSpec, Document


class Presence(Document):
    """Whether an agent is online, as the router last said; the id is the agent's."""

    account_id: str
    online: bool
    said_at: UtcDatetime


PRESENCE = CollectionSpec(name="presence", model=Presence)
