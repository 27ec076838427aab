"""Connectors: which Feishu apps there are, and the links that run them."""

from .link import Link, LinkStopped, Surroundings
from .spec import ConnectorSpec
from .supervisor import Supervisor

__all__ = ["ConnectorSpec", "Link", "LinkStopped", "Supervisor", "Surroundings"]
