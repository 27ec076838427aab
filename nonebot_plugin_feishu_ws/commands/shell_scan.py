"""`register` in a shell: the code to scan, and how it gets on."""

from ..connectors import RegistrationProgress, Scan, qr_rows
from ..texts.chat import ChatTexts
from .printing import Printer


class ShellScan:
    """Shows a registration to the person at the terminal.

    Args:
        printer: Shows it where it does not mix with the answer.
        texts: In their language.
    """

    def __init__(self, printer: Printer, texts: ChatTexts) -> None:
        self._printer = printer
        self._texts = texts
        self._state = ""

    async def show(self, progress: RegistrationProgress) -> None:
        """The link and its code first; then only what is news."""
        if isinstance(progress, Scan):
            self._printer.code(qr_rows(progress.link) or ())
            self._printer.note(self._texts.scan(progress.link, round(progress.expires_in / 60)))
        elif progress.state != self._state:
            self._state = progress.state
            self._printer.note(self._texts.scan_state(progress.state, progress.reason))
