"""A delivery whose provider's credentials no key opens (I8)."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from contracts.people import Party
from contracts.settings import SettingsChanged, SmsNumber, SmsSettings
from notifier.model import Delivery
from notifier.sms_channel import SmsChannel
from notifier.store import DeliveryStore
from notifier.twilio import TwilioGateway
from service_kit.errors import TransientError
from service_kit.secret_box import SecretBox
from service_kit.settings_codec import SettingsCodec
from service_kit.settings_copies import SettingsCopies
from service_kit.ssrf import GuardedHttp
from service_kit.testing.platforms import PlatformFactory

NUMBER = "+12025550199"
GONE = SecretBox("a key that is gone for good")


async def test_a_message_waits_for_the_key_of_its_providers_credentials(
    make_platform: PlatformFactory, make_delivery: Callable[..., Delivery]
) -> None:
    """Nothing is wrong with the message: it is to be tried again, never called undeliverable (I8)."""
    platform = make_platform("notifier")
    copies = SettingsCopies(platform, "notifier", areas=("sms",))
    gateway = TwilioGateway(GuardedHttp(allow_private=False))
    channel = SmsChannel(gateway, DeliveryStore(platform.store), copies, platform.clock, origin="http://desk.example")
    settings = SmsSettings(numbers={NUMBER: SmsNumber(auth_tokens=("token",))})
    changed = SettingsChanged(
        id="evt_1",
        account_id="acc_1",
        time=datetime.now(UTC),
        area="sms",
        version=1,
        value=SettingsCodec(SmsSettings, GONE).seal(settings),
    )
    sms = make_delivery(channel="sms", sender=NUMBER, recipient=Party(phone="+12025550123"), mail=None)
    await platform.store.start()
    await copies.keep([changed])
    with pytest.raises(TransientError, match="DESKBUS_SECRET_KEY") as refused:
        await channel.send(sms)
    await platform.store.stop()

    assert type(refused.value).__name__ == "SecretUnreadable"
