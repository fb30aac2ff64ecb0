"""One settings area over HTTP. Secrets are write-only: a patch may set them, no answer shows them."""

from typing import Annotated, Any, Protocol

from fastapi import Body, Depends
from pydantic import BaseModel

from contracts.settings import Area
from service_kit.auth.dependency import requires
from service_kit.auth.permissions import Permission
from service_kit.auth.principal import Principal
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from service_kit.settings_codec import S, SettingsCodec


class _Owner(Protocol[S]):
    """What the routes need of the area."""

    area: Area
    codec: SettingsCodec[S]

    async def get(self, account_id: str) -> S:
        """The account's settings."""

    async def patch(self, account_id: str, merge_patch: dict[str, Any]) -> S:
        """Apply a merge patch."""


def settings_router(owner: _Owner[S], read: Permission, write: Permission) -> Routes:
    """`GET` and `PATCH /v1/settings/{area}`; the shape's `writeOnly` members are in no answer."""
    router = Routes("/v1/settings", tags=["settings"])
    shown: dict[int | str, dict[str, type[BaseModel]]] = {200: {"model": owner.codec.shape}}

    @router.get(f"/{owner.area}", response_model=None, responses={**shown})
    async def read_settings(principal: Annotated[Principal, Depends(requires(read))]) -> dict[str, Any]:
        """The settings as they are, without secrets."""
        return owner.codec.public(await owner.get(principal.account_id))

    @router.patch(f"/{owner.area}", response_model=None, responses={**shown})
    async def patch_settings(
        principal: Annotated[Principal, Depends(requires(write))],
        merge_patch: Annotated[dict[str, Any], Body(description="RFC 7396: null removes, what is not named stays.")],
        act: Annotated[Act, audited("settings.changed")],
    ) -> dict[str, Any]:
        """Change some; returns when every service is being told."""
        act.target_id = owner.area
        return owner.codec.public(await owner.patch(principal.account_id, merge_patch))

    return router
