"""The deskbus command: every service in one process."""
