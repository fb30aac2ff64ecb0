from typing import Any

import pytest
from pydantic import BaseModel

from contracts.settings import AREA_SHAPES, ChatSettings, Secret, SmsSettings
from service_kit.secret_box import SecretBox, SecretUnreadable
from service_kit.secret_paths import secret_paths, with_secrets, without_secrets
from service_kit.settings_codec import SettingsCodec


class Keyed(BaseModel):
    """One secret in an object."""

    key: Secret
    label: str = ""


class Signed(BaseModel):
    """Another object with a secret by the same name."""

    key: Secret | None = None
    algorithm: str = ""


class Vault(BaseModel):
    """Secrets in every place a shape can have them."""

    single: Secret
    optional: Secret | None = None
    several: tuple[Secret, ...] = ()
    pair: tuple[str, Secret] = ("", "-")
    by_name: dict[str, Secret] = {}
    nested: dict[str, tuple[Keyed, ...]] = {}
    either: Keyed | Signed | None = None
    plain: str = ""


VALUE = {
    "single": "s0",
    "optional": "s1",
    "several": ["s2", "s3"],
    "pair": ["shown", "s4"],
    "by_name": {"a.b": "s5", "+1202": "s6"},
    "nested": {"x": [{"key": "s7", "label": "shown"}, {"key": "s8", "label": "shown"}]},
    "either": {"key": "s9", "label": "shown"},
    "plain": "shown",
}
SECRETS = [f"s{number}" for number in range(10)]


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """The value at a path."""
    for step in path:
        value = value[step]
    return value


def test_secrets_are_found_wherever_a_shape_can_have_them():
    """Members, optional ones, tuples, pairs, maps, objects in lists in maps, and alternatives: each once."""
    paths = secret_paths(Vault.model_json_schema(), VALUE)

    assert sorted(at(VALUE, path) for path in paths) == SECRETS


def test_what_is_not_set_is_no_secret():
    """Empty places are left alone."""
    paths = secret_paths(Vault.model_json_schema(), Vault(single="s0").model_dump(mode="json"))

    assert sorted(paths) == [("pair", 1), ("single",)]


def test_changing_secrets_changes_nothing_else():
    """Only the secrets differ, and the original is untouched."""
    paths = secret_paths(Vault.model_json_schema(), VALUE)
    changed = with_secrets(VALUE, paths, str.upper)

    assert with_secrets(changed, paths, str.lower) == VALUE
    assert [at(changed, path) for path in paths] == [at(VALUE, path).upper() for path in paths]
    assert VALUE["single"] == "s0"


def test_no_secret_is_left_and_nothing_else_is_lost():
    """A list that holds a secret goes as a whole; an emptied one would clear it when sent back."""
    shown = without_secrets(VALUE, secret_paths(Vault.model_json_schema(), VALUE))

    assert shown == {
        "by_name": {},
        "nested": {"x": [{"label": "shown"}, {"label": "shown"}]},
        "either": {"label": "shown"},
        "plain": "shown",
    }


@pytest.mark.parametrize("shape", AREA_SHAPES.values(), ids=AREA_SHAPES)
def test_every_area_can_be_walked(shape: type[BaseModel]):
    """The schema of every published area is understood; one without secrets has none."""
    value = shape().model_dump(mode="json")

    assert secret_paths(shape.model_json_schema(), value) == ()


BOX = SecretBox("a key of enough length")
SMS = SmsSettings.model_validate(
    {"numbers": {"+12025550123": {"account_sid": "AC1", "auth_tokens": ["old-token", "new-token"]}}}
)


def test_sealed_settings_open_again_and_show_nothing():
    """What is stored and published holds no secret in the clear, and opens to what it was."""
    codec = SettingsCodec(SmsSettings, BOX)
    sealed = codec.seal_text(SMS)

    assert "token" not in sealed.replace("auth_tokens", "")
    assert "AC1" in sealed
    assert codec.open_text(sealed) == SMS


def test_public_settings_hold_no_secret():
    """People see everything but the secrets, and not even whether one is set."""
    codec = SettingsCodec(SmsSettings, BOX)
    [number] = codec.public(SMS)["numbers"].values()
    chats = [SettingsCodec(ChatSettings, BOX).public(ChatSettings(identity_secret=one)) for one in ("hush", None)]

    assert number == {"provider": "twilio", "account_sid": "AC1"}
    assert chats[0] == chats[1]
    assert "identity_secret" not in chats[0]


def test_another_key_opens_nothing():
    """With the wrong `DESKBUS_SECRET_KEY` reading fails loudly; ciphertext never passes for a secret."""
    sealed = SettingsCodec(SmsSettings, BOX).seal_text(SMS)

    with pytest.raises(SecretUnreadable):
        SettingsCodec(SmsSettings, SecretBox("another key of enough length")).open_text(sealed)


def test_settings_of_a_newer_version_are_still_read():
    """While a new version is rolled out, old readers ignore fields they do not know, at any depth."""
    codec = SettingsCodec(SmsSettings, BOX)
    sealed = codec.seal(SMS)
    sealed["numbers"]["+12025550123"]["region"] = "us"
    sealed["quiet_hours"] = {"from": "22:00"}

    assert codec.open(sealed) == SMS
