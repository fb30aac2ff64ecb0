"""Threads messages into tickets and serves the agents' API."""
