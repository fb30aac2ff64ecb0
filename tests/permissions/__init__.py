"""What every route of every service asks of its callers, read from the applications themselves."""
