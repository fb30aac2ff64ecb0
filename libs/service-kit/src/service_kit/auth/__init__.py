"""Who asks, and what they may do."""

from service_kit.auth.dependency import Authenticated, requires
from service_kit.auth.permissions import EVERY_SCOPE, ROLE_PERMISSIONS, Permission
from service_kit.auth.principal import Principal

__all__ = ["EVERY_SCOPE", "ROLE_PERMISSIONS", "Authenticated", "Permission", "Principal", "requires"]
