"""Managing connectors from chat and shell: one set of verbs, one set of answers."""

from .answer import Answer, Table
from .desk import Desk
from .matchers import install
from .standings import state_of
from .verbs import perform, shown

__all__ = ["Answer", "Desk", "Table", "install", "perform", "shown", "state_of"]
