"""Agents named in notes (N3)."""
