"""Every query for sessions."""

from collections.abc import Sequence
from datetime import datetime

from service_kit.docstore import All, Cmp, DocStore, Eq, Fate, Page, Sort
from service_kit.docstore.every_page import every
from tickets.access.sessions import SESSIONS, Session

_SWEEP = 1_000


class SessionStore:
    """Sessions in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._sessions = store.collection(SESSIONS)

    async def find(self, session_id: str) -> Session | None:
        """One session."""
        return await self._sessions.get(session_id)

    async def unexpired(self, agent_id: str, now: datetime) -> Sequence[Session]:
        """Sessions of one agent whose time is not over, ended ones too."""
        return await every(self._sessions, All(Eq("agent_id", agent_id), Cmp("expires_at", ">", now)))

    async def live(self, agent_id: str, epoch: int, now: datetime, *, limit: int, cursor: str | None) -> Page[Session]:
        """Sessions that let an agent of this epoch in, newest first."""
        where = All(Eq("agent_id", agent_id), Eq("epoch", epoch), Eq("ended_at", None), Cmp("expires_at", ">", now))
        return await self._sessions.find(where, sort=Sort("expires_at", descending=True), limit=limit, cursor=cursor)

    async def insert(self, session: Session) -> None:
        """Add one; its id is random, so nobody has it."""
        await self._sessions.insert_many([session])

    async def replace(self, session: Session) -> Fate:
        """Change one; STALE when it changed meanwhile."""
        return (await self._sessions.replace_many([session]))[0]

    async def delete_expired(self, now: datetime) -> int:
        """Forget some sessions whose time is over; how many."""
        page = await self._sessions.find(Cmp("expires_at", "<=", now), limit=_SWEEP)
        await self._sessions.delete_many(page.items)
        return len(page.items)
