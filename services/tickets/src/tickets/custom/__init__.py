"""Custom fields of tickets and contacts (L8)."""
