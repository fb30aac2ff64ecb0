"""`/v1/api-keys`: how services come in."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, status
from pydantic import BaseModel, ConfigDict, Field

from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.access.api_key_workflow import ApiKeyWorkflow
from tickets.access.api_keys import ApiKey, Scope

Manager = Annotated[Principal, Depends(requires(Permission.KEYS_MANAGE))]


class NewApiKey(BaseModel):
    """A key to make; with `agent_id` it acts for that agent, within the agent's role."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50)]
    agent_id: Annotated[str | None, Field(max_length=100)] = None


class ApiKeyView(BaseModel):
    """A key as the API shows one: never the key itself."""

    id: str
    name: str
    scopes: list[str]
    agent_id: str | None
    created_at: datetime
    created_by: str | None

    @classmethod
    def of(cls, key: ApiKey) -> "ApiKeyView":
        """The public side of the document."""
        return cls(
            id=key.id,
            name=key.name,
            scopes=list(key.scopes),
            agent_id=key.agent_id,
            created_at=key.created_at,
            created_by=key.created_by,
        )


class IssuedApiKey(ApiKeyView):
    """A key just made: `key` is shown this once."""

    key: str


def api_keys_router(workflow: ApiKeyWorkflow) -> Routes:
    """The routes."""
    router = Routes("/v1/api-keys", tags=["people"])

    @router.get("")
    async def list_keys(principal: Manager, limit: Limit = 50, cursor: Cursor = None) -> PageOf[ApiKeyView]:
        """Keys that still work."""
        page = await workflow.page(principal.account_id, limit=limit, cursor=cursor)
        return PageOf(items=[ApiKeyView.of(key) for key in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def make_key(
        principal: Manager, new: NewApiKey, act: Annotated[Act, audited("api_key.created")]
    ) -> IssuedApiKey:
        """Make a key; it cannot be shown again."""
        issued = await workflow.create(principal, name=new.name, scopes=new.scopes, agent_id=new.agent_id)
        act.target_id = issued.key.id
        act.details |= {"scopes": " ".join(issued.key.scopes), "agent_id": issued.key.agent_id}
        return IssuedApiKey(key=issued.token, **ApiKeyView.of(issued.key).model_dump())

    @router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def revoke_key(principal: Manager, key_id: str, _act: Annotated[Act, audited("api_key.revoked")]) -> None:
        """Revoke a key, in every service at once."""
        await workflow.revoke(principal.account_id, key_id)

    return router
