"""Mail fetched from mailboxes by IMAP, which are only looked at."""
