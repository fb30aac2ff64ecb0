"""Events, topics and shapes that the services of Deskbus share.

Depends on pydantic only, so that outsiders can install it alone. It holds shapes, never behaviour of a service.
"""
