"""Connectors: which Feishu apps there are, and the links that run them."""

from .link import Link, Surroundings
from .spec import ConnectorSpec
from .supervisor import Supervisor

__all__ = ["ConnectorSpec", "Link", "Supervisor", "Surroundings"]
