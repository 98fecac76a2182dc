"""Ties the life of a child process to that of the program that started it (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)

# Looked up at import: the child runs this between fork and exec, where nothing should be loaded.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def to_parent(parent: int) -> None:
    """In the child of this process id: be sent SIGTERM when the parent ends, however it does.

    Without it a `kill -9` of the parent would leave workers on its port and a store on its data directory.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)  # it ended before the kernel knew
