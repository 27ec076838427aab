"""The platform's REST side."""

from .call import Platform
from .gateway import Gateway
from .limits import Limits, SentOnce
from .routes import add_routes
from .tokens import Tokens

__all__ = ["Gateway", "Limits", "Platform", "SentOnce", "Tokens", "add_routes"]
