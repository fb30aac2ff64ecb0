"""The account that a new system begins with."""

from collections.abc import Sequence

from deskbus.home import Home
from deskbus.new_account import create_account
from service_kit.platform import Platform
from service_kit.service import Service

_ACCOUNT_ID = "acc_first"
_NAME = "Deskbus"
_OWNER_EMAIL = "owner@deskbus.example"
_SUPPORT_ADDRESS = "support@deskbus.example"


async def ensure_first_account(home: Home, composed: Sequence[tuple[Service, Platform]], *, base_url: str) -> None:
    """Create it on the first start and write `owner.json`; a start that was interrupted is finished by the next."""
    known = home.owner()
    if known is not None:
        if known["base_url"] != base_url:
            home.write_owner({**known, "base_url": base_url})
        return
    platform = next(platform for service, platform in composed if service.name == "tickets")
    owner = await create_account(
        platform,
        base_url=base_url,
        name=_NAME,
        owner_email=_OWNER_EMAIL,
        support_address=_SUPPORT_ADDRESS,
        account_id=_ACCOUNT_ID,
    )
    home.write_owner(owner.as_json())
