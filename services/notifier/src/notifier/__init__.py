"""Sends what leaves: replies, alerts and webhooks."""
