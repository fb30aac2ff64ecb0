"""Who has read which tickets of the two inboxes: what the unread badge counts (V2). Pure.

A ticket lies in its assignee's *My inbox* or in everybody's *Unassigned*. Each of its readers whom that concerns is one
indexed word, so that counting what an agent has read there touches nothing else, however much they have read in years.
"""

from collections.abc import Iterable
from typing import Literal

INBOX_MINE: Literal["mine"] = "mine"
INBOX_UNASSIGNED: Literal["unassigned"] = "unassigned"


def inbox_reader(agent_id: str, inbox: Literal["mine", "unassigned"]) -> str:
    """The word that says: this agent has read it, in that inbox of theirs."""
    return f"{inbox}/{agent_id}"


def inbox_readers(assignee_id: str | None, read_by: Iterable[str]) -> tuple[str, ...]:
    """The words of an open ticket."""
    if assignee_id is None:
        return tuple(inbox_reader(agent_id, INBOX_UNASSIGNED) for agent_id in read_by)
    return (inbox_reader(assignee_id, INBOX_MINE),) if assignee_id in read_by else ()
