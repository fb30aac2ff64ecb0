"""Decides who answers a ticket and says why."""
