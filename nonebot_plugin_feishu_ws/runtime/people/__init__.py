"""What is kept of one person: shown to them, or taken out.

Events, messages, conversations, answers, approvals and lines of the log are looked through, table by table and a page
at a time, beside a bot that runs. What must stay, because others rely on it (that something was approved, that a
message was handled), stays with a pseudonym in the place of the person.
"""

from .exporting import export
from .finding import Person, find
from .forgetting import Forgotten, InHand, StillNamed, forget

__all__ = ["Forgotten", "InHand", "Person", "StillNamed", "export", "find", "forget"]
