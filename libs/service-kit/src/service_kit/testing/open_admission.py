"""Admission for tests, which must not depend on how full the developer's disk is."""

from service_kit.admission import StorageFull


class OpenAdmission:
    """Admits everything until a test sets `is_full`."""

    def __init__(self) -> None:
        self.is_full = False

    def check(self) -> None:
        """Raise `StorageFull` if a test said so."""
        if self.is_full:
            raise StorageFull("the test says that the disk is full")
