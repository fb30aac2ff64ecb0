"""Phone numbers in E.164."""

import phonenumbers


def e164(text: str) -> str | None:
    """The number in E.164, or None when it is not a possible one (short codes and sender ids of letters are not)."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
