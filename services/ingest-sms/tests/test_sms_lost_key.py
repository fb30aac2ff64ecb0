"""Settings that were sealed with a key which nobody gave this process (S4)."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from contracts.settings import SmsNumber, SmsSettings
from ingest_sms.app import create_service
from ingest_sms.number_book import NumberBook
from ingest_sms.store import SmsStore
from service_kit.secret_box import SecretBox
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.platforms import PlatformFactory

NUMBER = "+12025550199"


async def test_a_lost_key_is_the_operators_and_loses_no_message(
    make_platform: PlatformFactory, running: Callable[..., AbstractAsyncContextManager[None]]
) -> None:
    """500 with what the operator must do, for people and providers alike: no 4xx, at which a provider gives up (I3)."""
    platform = make_platform("ingest-sms")
    service = create_service(platform)
    before = replace(platform, secrets=SecretBox("a key that is gone for good"))
    book = NumberBook(before, SmsStore(before.store))
    form = {"MessageSid": "SM1", "From": "+12025550123", "To": NUMBER, "Body": "Hi"}
    async with running(service):
        await book.area.ensure("acc_1")
        await book.area.update("acc_1", lambda _: SmsSettings(numbers={NUMBER: SmsNumber(auth_tokens=("token",))}))
        async with http_client(service.api, headers=await sign_in(platform, account_id="acc_1", role="owner")) as http:
            answers = [
                await http.get("/v1/settings/sms"),
                await http.patch("/v1/settings/sms", json={"attribution_hours": 48}),
                await http.post("/v1/sms/twilio/inbound", data=form),
            ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(500, "secret_unreadable")] * 3
    assert all("DESKBUS_SECRET_KEY" in answer.json()["detail"] for answer in answers)
