"""The end of a stop that does not come to its end by itself.

NoneBot's drivers wait for their hooks, and Python for threads and tasks, without a limit; `~none` cancels what it waits
for at a second signal and goes on waiting for who ignores that, and Uvicorn listens to a second SIGINT alone, and only
before it runs the hooks. Nothing of that is even begun while a handler blocks the event loop.
"""

import contextlib
import faulthandler
import os
import signal
import socket
import threading

_STOPS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)}
_STDERR = 2


class LastResort:
    """Sees signals arrive, in a thread of its own, whatever the event loop is doing.

    Python writes the number of each signal it handles to the wakeup file descriptor, at once and from C: there this
    listens, and passes on what it hears to whoever listened there before (asyncio's loops do).

    - After the first signal to stop the process has `within` seconds. Then the stacks of all threads are printed and it
      exits with code 1 (`faulthandler`, which needs no lock of Python's).
    - The second one ends it at once, with the code 128 + its number.

    It does not replace anybody's signal handler: a signal nobody handles does what it always does.

    Args:
        within: Seconds from the first signal.
    """

    def __init__(self, within: float = 9.5) -> None:
        self._within = within
        self._ours: socket.socket | None = None
        self._before = -1

    async def arm(self) -> None:
        """Begin to listen. Outside of the main thread, where there are no signals, it does nothing.

        A coroutine, like `disarm`: a plain function NoneBot would call in another thread.
        """
        if self._ours is not None or threading.current_thread() is not threading.main_thread():
            return
        heard, self._ours = socket.socketpair()
        self._ours.setblocking(False)
        self._before = signal.set_wakeup_fd(self._ours.fileno(), warn_on_full_buffer=False)
        threading.Thread(
            target=self._listen, args=(heard, self._before), name="feishu-ws signals", daemon=True
        ).start()

    async def disarm(self) -> None:
        """Listen no more; the time that was given at the first signal still runs."""
        if self._ours is not None:
            now = signal.set_wakeup_fd(self._before, warn_on_full_buffer=False)
            if now != self._ours.fileno():  # somebody took our place
                signal.set_wakeup_fd(now, warn_on_full_buffer=False)
            self._ours.close()  # ends the thread
            self._ours = None

    def _listen(self, heard: socket.socket, before: int) -> None:
        stopping = False
        with contextlib.ExitStack() as held:
            held.enter_context(heard)
            # A duplicate: how to write to the descriptor itself depends on the system.
            others = None
            if before != -1:
                others = held.enter_context(socket.fromfd(before, socket.AF_INET, socket.SOCK_STREAM))
            while numbers := heard.recv(256):
                if others is not None:
                    with contextlib.suppress(OSError):
                        others.send(numbers)
                for number in numbers:
                    if number not in _STOPS:
                        continue
                    if stopping:
                        os._exit(128 + number)
                    stopping = True
                    faulthandler.dump_traceback_later(self._within, exit=True, file=_STDERR)
