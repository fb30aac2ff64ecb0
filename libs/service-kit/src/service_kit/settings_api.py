"""One settings area over HTTP. Secrets are write-only: a patch may set them, no answer shows them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Protocol

from fastapi import Body, Depends
from pydantic import BaseModel, ConfigDict, Field, create_model

from contracts.settings import Area
from service_kit.auth.dependency import requires
from service_kit.auth.permissions import Permission
from service_kit.auth.principal import Principal
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from service_kit.settings_codec import S, SettingsCodec

_WARNINGS = "warnings"


class SettingsWarning(BaseModel):
    """What does not work as settings say, though nothing is wrong with them by themselves."""

    model_config = ConfigDict(frozen=True)

    field: str
    code: str = Field(description="Stable; what a program should look at.")
    detail: str = Field(description="A sentence for people.")


Warn = Callable[[str, S], Awaitable[Sequence[SettingsWarning]]]
"""Takes the account's id and its settings."""


class _Owner(Protocol[S]):
    """What the routes need of the area."""

    area: Area
    codec: SettingsCodec[S]

    async def get(self, account_id: str) -> S:
        """The account's settings."""

    async def patch(self, account_id: str, merge_patch: dict[str, Any]) -> S:
        """Apply a merge patch."""


def settings_router(owner: _Owner[S], read: Permission, write: Permission, warn: Warn[S] | None = None) -> Routes:
    """`GET` and `PATCH /v1/settings/{area}`; the shape's `writeOnly` members are in no answer.

    Warnings, if there are any, stand beside the settings as `warnings`; whoever sends them back with a patch changes
    nothing by it.
    """
    router = Routes("/v1/settings", tags=["settings"])
    shown: dict[int | str, dict[str, type[BaseModel]]] = {200: {"model": _shown(owner.codec.shape, warned=bool(warn))}}

    async def answer(account_id: str, settings: S) -> dict[str, Any]:
        public = owner.codec.public(settings)
        warnings = await warn(account_id, settings) if warn else ()
        return {**public, _WARNINGS: [one.model_dump() for one in warnings]} if warnings else public

    @router.get(f"/{owner.area}", response_model=None, responses={**shown})
    async def read_settings(principal: Annotated[Principal, Depends(requires(read))]) -> dict[str, Any]:
        """The settings as they are, without secrets."""
        return await answer(principal.account_id, await owner.get(principal.account_id))

    @router.patch(f"/{owner.area}", response_model=None, responses={**shown})
    async def patch_settings(
        principal: Annotated[Principal, Depends(requires(write))],
        merge_patch: Annotated[dict[str, Any], Body(description="RFC 7396: null removes, what is not named stays.")],
        act: Annotated[Act, audited("settings.changed")],
    ) -> dict[str, Any]:
        """Change some; returns when every service is being told."""
        act.target_id = owner.area
        given = {name: value for name, value in merge_patch.items() if warn is None or name != _WARNINGS}
        return await answer(principal.account_id, await owner.patch(principal.account_id, given))

    return router


def _shown(shape: type[BaseModel], *, warned: bool) -> type[BaseModel]:
    """What the answers hold, for the OpenAPI document."""
    if not warned:
        return shape
    told: Any = Field(default=(), description="Only where there are any.", json_schema_extra={"readOnly": True})
    return create_model(f"{shape.__name__}Shown", __base__=shape, warnings=(tuple[SettingsWarning, ...], told))
