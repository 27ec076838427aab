"""What the web console says."""

from .texts import ConsoleTexts, accepted

__all__ = ["ConsoleTexts", "accepted"]
