"""Tickets that become one, or two (L7)."""
