"""Ports and plumbing that every service of Deskbus uses."""
