"""Managing connectors from chat and shell: one set of verbs, one set of answers."""

from .answer import Answer, Table
from .desk import Desk
from .matchers import install
from .verbs import perform

__all__ = ["Answer", "Desk", "Table", "install", "perform"]
