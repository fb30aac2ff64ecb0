"""Who did what to settings, people and data (S3)."""
