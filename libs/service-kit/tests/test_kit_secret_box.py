import pytest

from service_kit.errors import TransientError
from service_kit.secret_box import SecretBox, SecretUnreadable

OLD = "the old key of this installation"
NEW = "the new key of this installation"


def test_round_trip():
    """What was encrypted is decrypted to the same text, whatever its characters."""
    box = SecretBox(OLD)

    assert box.decrypt(box.encrypt("whsec_ü😀")) == "whsec_ü😀"


def test_ciphertext_says_nothing():
    """The same secret looks different each time and never shows itself."""
    box = SecretBox(OLD)
    first, second = box.encrypt("hunter2"), box.encrypt("hunter2")

    assert first != second
    assert "hunter2" not in first


def test_rotation():
    """With a new key in front, old ciphertexts still open and new ones no longer need the old key."""
    written_before = SecretBox(OLD).encrypt("token")
    rotated = SecretBox(f"{NEW}, {OLD}")
    written_after = rotated.encrypt("token")

    assert rotated.decrypt(written_before) == "token"
    assert SecretBox(NEW).decrypt(written_after) == "token"


def test_a_wrong_key_opens_nothing():
    """A ciphertext of another key is unreadable; the error names no secret, and sets no message aside meanwhile."""
    ciphertext = SecretBox(OLD).encrypt("token")

    with pytest.raises(SecretUnreadable) as caught:
        SecretBox(NEW).decrypt(ciphertext)
    assert ciphertext not in str(caught.value)
    assert isinstance(caught.value, TransientError)


@pytest.mark.parametrize("damaged", ["", "not a ciphertext", "gAAAAA", "ü"])
def test_damage_is_noticed(damaged: str):
    """Text that is no ciphertext of ours is refused."""
    with pytest.raises(SecretUnreadable):
        SecretBox(OLD).decrypt(damaged)


@pytest.mark.parametrize("key", ["", " , ", "short", f"{OLD},short"])
def test_weak_keys_are_refused(key: str):
    """A missing key, or one that could be guessed, is refused at start rather than discovered later."""
    with pytest.raises(ValueError, match="DESKBUS_SECRET_KEY"):
        SecretBox(key)
