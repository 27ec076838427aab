"""Managing connectors from chat and shell: one set of verbs, one set of answers."""

from .answer import Answer, Table
from .verbs import Desk, perform, shown, state_of

__all__ = ["Answer", "Desk", "Table", "perform", "shown", "state_of"]
