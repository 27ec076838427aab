"""The running plugin: what connects the rooms, and NoneBot's start-up and shutdown with them."""

from .runtime import Runtime

__all__ = ["Runtime"]
