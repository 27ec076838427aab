"""The platform's side of the long connection."""

from .connection import Ack, Connection
from .delivery import Delivery
from .endpoint import Endpoint
from .frames_pb2 import Frame
from .hub import Hub

__all__ = ["Ack", "Connection", "Delivery", "Endpoint", "Frame", "Hub"]
