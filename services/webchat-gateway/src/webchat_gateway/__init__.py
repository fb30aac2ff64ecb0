"""Keeps visitors' chats: sequencer, websocket and widget."""
