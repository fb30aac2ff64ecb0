"""A document engine that the real MongoDB driver talks to: `mongod` if the machine has it, else FerretDB."""

from engines.documents.engine import DocumentEngine

__all__ = ["DocumentEngine"]
