"""Where mail leaves: a relay over SMTP (`maildir.py` on a machine that has none)."""

import asyncio
from email.message import EmailMessage
from typing import Protocol

import aiosmtplib

from notifier.domain_places import DomainPlaces
from notifier.errors import Deferred, Refused
from notifier.relay_answer import Handed, RelayAnswer
from notifier.relay_pool import RelayPool

IDLE_SECONDS = 60.0


class MailGateway(Protocol):
    """A `Part` that takes one mail for one or several recipients, and says what became of each.

    Raises:
        Deferred: try again later.
        Refused: never.
    """

    tells_duplicates: bool
    """Whether a mail given twice under one Message-ID is known to be one."""

    async def start(self) -> None:
        """Be ready."""

    async def stop(self) -> None:
        """Close what is open."""

    async def send(self, mail: EmailMessage, sender: str, recipients: list[str]) -> Handed:
        """Hand the mail over."""


class SmtpRelay:
    """One relay, over a few connections that stay open between mails.

    `timeout_seconds` is for a whole mail, the wait for a connection included: a limit for each command alone would
    let a slow relay outlast the lease of the delivery, and somebody else would send the mail as well. At most
    `per_domain` connections serve the domain of one customer.
    """

    tells_duplicates = False

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float,
        connections: int = 4,
        per_domain: int = 4,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._timeout = timeout_seconds
        self._pool = RelayPool(url, timeout_seconds=timeout_seconds, connections=connections, idle_seconds=idle_seconds)
        self._domains = DomainPlaces(per_domain)

    async def start(self) -> None:
        """Begin to look after connections."""
        await self._pool.start()

    async def stop(self) -> None:
        """Say goodbye on every open connection."""
        await self._pool.stop()

    async def send(self, mail: EmailMessage, sender: str, recipients: list[str]) -> Handed:
        """Hand the mail to the relay; its answer to the end of data, and about each recipient it does not take."""
        host, is_on_its_way = self._pool.host, False
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._domains.place_for(recipients[0]),
                self._pool.connection() as client,
            ):
                is_on_its_way = True
                refused, answer = await client.send_message(mail, sender=sender, recipients=recipients)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return Handed("", {one.recipient: RelayAnswer(one.code, one.message) for one in error.recipients})
        except aiosmtplib.SMTPResponseException as error:
            return _answered(error, recipients)
        except aiosmtplib.SMTPNotSupported as error:
            raise Refused(f"relay {host} takes no addresses beyond ASCII") from error
        except aiosmtplib.SMTPException as error:
            raise Deferred(f"relay {host}: {type(error).__name__}", in_doubt=True) from error
        except TimeoutError as error:
            raise Deferred(f"relay {host} took longer than {self._timeout:g} s", in_doubt=is_on_its_way) from error
        except OSError as error:
            raise Deferred(f"relay {host}: {type(error).__name__}", in_doubt=True) from error
        except ValueError as error:
            raise Refused(f"not a valid address: {error}") from error
        return Handed(answer[:500], {address: RelayAnswer(*given) for address, given in refused.items()})


def _answered(error: aiosmtplib.SMTPResponseException, recipients: list[str]) -> Handed:
    """What is said at the end of data of a mail to one person is said of that person: some servers know no sooner."""
    answer = RelayAnswer(error.code, error.message)
    if isinstance(error, aiosmtplib.SMTPDataError) and len(recipients) == 1:
        return Handed("", {recipients[0]: answer})
    raise answer.failure() from error
