"""Whose connections are they? What the platform counts, beside what is ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headcount:
    """The open long connections of an app.

    Attributes:
        online: As the platform counts them (feishu-facts.md, Platform rules: `online_instance_cnt`).
        own: Those of all our processes.
    """

    online: int
    own: int

    @property
    def strangers(self) -> int:
        """How many are somebody else's: Feishu gives each of them its share of the events."""
        return max(0, self.online - self.own)

    @property
    def unseen(self) -> int:
        """How many of ours the platform does not see."""
        return max(0, self.own - self.online)
