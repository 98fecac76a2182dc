"""Machines with cables between them: network namespaces on two switches, of which each cable can be pulled.

One switch is for the readers, one for the store. Whoever is cut off hears nothing: no reset, no refusal.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import pytest

NETWORKS = {"front": "10.77.1", "back": "10.77.2"}
_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET (setns(2))."""
_libc = ctypes.CDLL(None, use_errno=True)

Side = Literal["front", "back"]


class Network:
    """Named machines, each with a cable to either switch."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._prefix = f"ticker{os.getpid()}"

    def space(self, name: str) -> str:
        """The namespace of a machine."""
        return f"{self._prefix}{name}"

    def within(self, name: str) -> list[str]:
        """What a command is put behind to run on a machine."""
        return [_ip(), "netns", "exec", self.space(name)]

    def address(self, name: str, side: Side = "front") -> str:
        """The address of a machine."""
        return f"{NETWORKS[side]}.{1 + self._names.index(name)}"

    def build(self) -> None:
        """Make all of it. Raises CalledProcessError where it may not be made."""
        switch = self.space("switch")
        _run("", *(f"netns add {self.space(name)}" for name in ("switch", *self._names)))
        _run(switch, *(f"link add {side} up type bridge" for side in NETWORKS))
        for name in self._names:
            space = self.space(name)
            # Made where they belong, so that nothing of it is ever seen on this machine.
            _run(switch, *(f"link add {side}-{name} type veth peer name {side} netns {space}" for side in NETWORKS))
            _run(switch, *(f"link set {side}-{name} up master {side}" for side in NETWORKS))
            _run(
                space,
                "link set lo up",
                *(f"addr add {self.address(name, side)}/24 dev {side}" for side in ("front", "back")),
                *(f"link set {side} up" for side in NETWORKS),
            )

    def cut(self, name: str, *sides: Side) -> None:
        """Pull these cables out of the switches."""
        _run(self.space("switch"), *(f"link set {side}-{name} down" for side in sides))

    def heal(self, name: str, *sides: Side) -> None:
        """Put them in again."""
        _run(self.space("switch"), *(f"link set {side}-{name} up" for side in sides))

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """This thread is on that machine: what it opens there stays there, and so do the processes that it starts."""
        space = os.open(f"/run/netns/{self.space(name)}", os.O_RDONLY)
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(space)
            yield
        finally:
            _enter(before)
            os.close(space)
            os.close(before)

    def remove(self) -> None:
        """Nothing of it is left. Whatever runs there has to have ended."""
        for name in (*self._names, "switch"):
            if os.path.exists(f"/run/netns/{self.space(name)}"):
                _run("", f"netns del {self.space(name)}")


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """These machines; where there can be none, the test skips on a laptop and fails in CI."""
    reason = "machines on one machine need 'ip' (install your system's package 'iproute2'), root and CAP_NET_ADMIN"
    found = Network(names)
    try:
        if os.geteuid() != 0 or not shutil.which("ip"):
            _without(reason)
        try:
            found.build()
        except subprocess.CalledProcessError as error:
            _without(f"{reason}: {error.stderr.strip()}")
        yield found
    finally:
        found.remove()


def _without(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI must have them")
    pytest.skip(reason)


def _ip() -> str:
    return shutil.which("ip") or "ip"


def _run(space: str, *lines: str) -> None:
    command = [_ip(), *(["-n", space] if space else []), "-batch", "-"]
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True, capture_output=True, timeout=20)


def _enter(space: int) -> None:
    if _libc.setns(space, _NEW_NETWORK):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
