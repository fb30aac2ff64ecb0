"""What tests say when an engine is wanting, and what is made of it at the end of a run. Pure."""

from collections import Counter
from collections.abc import Iterable

_REASON = "needs an engine that was not given: "
KAFKA = "Kafka (`make engines` provides it)"
DOCUMENTS = "a document engine (`make engines` provides it)"
OWN = "leave to start engines of its own (`make engines` gives it)"
MONGODB = "MongoDB itself (put `mongod` on PATH, or set DESKBUS_TEST_MONGO_URL)"
DOVECOT = "Dovecot (install the packages dovecot-core and dovecot-imapd)"
POSTFIX = "Postfix (`apt-get install postfix`, and root)"
OPENSMTPD = "OpenSMTPD (root, and `apt-get install opensmtpd`; or apt-get, a network, libevent-2.1-7 and libdb5.3)"
PROVIDED = (KAFKA, DOCUMENTS, OWN)
"""What `make engines` provides everywhere: going without is a failure where engines are required."""


def reason(what: str) -> str:
    """Why a test is skipped."""
    return _REASON + what


def wanted(reasons: Iterable[str]) -> Counter[str]:
    """How many tests went without, by what they wanted; other reasons for skipping are not counted."""
    found = (text.partition(_REASON) for text in reasons)
    return Counter(what for _, marker, what in found if marker)
