"""Takes SMS in from providers and keeps consent keywords out of tickets."""
