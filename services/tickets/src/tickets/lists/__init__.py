"""Tickets as agents see them: lists, counts, search, saved views (V1, V2, V4)."""
