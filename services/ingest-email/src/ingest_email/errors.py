"""What can go wrong in this service beyond what its engines report."""

from service_kit.errors import Unavailable


class ParserUnavailable(Unavailable):
    """No parser process could be started; the mail is not to blame and is tried again."""
