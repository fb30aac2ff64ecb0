"""What can go wrong here, as one of the two kinds that everything of ours is."""

from service_kit.errors import PermanentError, TransientError


class InvalidRange(PermanentError):
    """No report can be made for the range that was asked for."""

    code = "invalid_range"


class FactsContended(TransientError):
    """Other replicas kept writing the same facts in between."""


class HoursUnknown(TransientError):
    """The account's settings have not arrived yet, so its business time cannot be told."""
