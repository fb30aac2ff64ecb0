"""Takes mail in raw, then turns it into inbound messages."""
