"""Which brain answers: the configured one, or one of a plugin's own."""

from .turn import Brain


class Brains:
    """The seat a plugin's own brain can take."""

    def __init__(self) -> None:
        self._own: Brain | None = None

    def use(self, brain: Brain | None) -> None:
        """Let a brain of your own answer from the next turn on; None gives the seat back to the configured one."""
        self._own = brain

    def chosen(self, configured: Brain) -> Brain:
        """Who answers now."""
        return configured if self._own is None else self._own
