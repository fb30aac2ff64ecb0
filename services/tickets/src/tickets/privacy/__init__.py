"""Blocks, erasures and exports (L9, S3)."""
