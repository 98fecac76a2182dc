"""SIGHUP: a wish to reload; or the end of the terminal that the program was started in, and then its own.

It is held back from the first moment on, here and in the processes that are started from here, until somebody listens.
Left alone it would end a process that is just starting, and the wish would be lost.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = {signal.SIGHUP}
_TERMINAL = "/dev/tty"


class Hangup:
    """SIGHUP in this process."""

    def __init__(self, *, parent: bool = False) -> None:
        """Holds it back from now on; to be made in the main thread, before there are others.

        With a `parent` that sees to its children, it never means the end.
        """
        # Under nohup(1) a terminal may go.
        kept = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._terminal = not parent and not kept and _terminal()

    @contextmanager
    def heard(self, reload: Callable[[], None]) -> Iterator[None]:
        """Call `reload` in the running loop for each SIGHUP, also for one that came before."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._means, reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        try:
            yield
        finally:
            # Not later: without a handler the next one would end us in the middle of our own ending.
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            loop.remove_signal_handler(signal.SIGHUP)

    def take(self) -> bool:
        """Whether one has come that was held back; for a process that runs no loop and asks now and then."""
        if signal.SIGHUP not in signal.sigpending():
            return False
        signal.sigwait(_SIGNALS)
        return True

    @property
    def final(self) -> bool:
        """Whether it means the end: we had a terminal, and have none any more."""
        return self._terminal and not _terminal()

    def _means(self, reload: Callable[[], None]) -> None:
        if self.final:
            signal.raise_signal(signal.SIGTERM)
        else:
            reload()


def _terminal() -> bool:
    try:
        os.close(os.open(_TERMINAL, os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
