"""Composition of the mailboxes that are read over IMAP."""

import asyncio
import random
from datetime import timedelta

from ingest_email.acceptance import Acceptance
from ingest_email.address_book import AddressBook
from ingest_email.imap.imap_dialler import ImapDialler
from ingest_email.imap.imap_intake import ImapIntake
from ingest_email.imap.imap_line import LineLimits
from ingest_email.imap.imap_reader import ImapReader, ReaderParts
from ingest_email.imap.imap_watch import ImapWatch
from ingest_email.imap.token_servers import TokenServers
from ingest_email.metrics import MailMetrics
from ingest_email.settings import IngestEmailSettings
from service_kit.platform import Platform

_LARGE_MAILS = 4
_LARGE_BYTES = 1024 * 1024


def watch_mailboxes(
    platform: Platform,
    addresses: AddressBook,
    acceptance: Acceptance,
    metrics: MailMetrics,
    settings: IngestEmailSettings,
) -> ImapWatch:
    """The readers of this replica."""
    limits = LineLimits(
        command_seconds=settings.imap_command_timeout_seconds,
        fetch_seconds=settings.data_timeout_seconds,
        mail_bytes=settings.mail_size_limit_bytes,
    )
    allow_private = platform.settings.allow_private_urls
    parts = ReaderParts(
        dialler=ImapDialler(limits, allow_private=allow_private, ca_file=settings.imap_ca_file),
        token_servers=TokenServers(platform.clock, allow_private=allow_private, ca_file=settings.imap_ca_file),
        secrets=platform.secrets,
        intake=ImapIntake(platform, acceptance, metrics),
        clock=platform.clock,
        metrics=metrics,
        chance=random.Random(),  # noqa: S311 - jitter
        large_mails=asyncio.Semaphore(_LARGE_MAILS),
        large_bytes=_LARGE_BYTES,
        mail_bytes=settings.mail_size_limit_bytes,
        poll_seconds=settings.imap_poll_seconds,
        idle_seconds=settings.imap_idle_seconds,
    )
    return ImapWatch(
        addresses.mailboxes,
        addresses.area,
        lambda tenure, mailbox: ImapReader(tenure, mailbox, parts),
        platform.clock,
        metrics,
        lease=timedelta(seconds=settings.imap_lease_seconds),
        mailboxes_max=settings.imap_mailboxes_max,
    )
