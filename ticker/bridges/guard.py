"""Which addresses of others are sent to: never an inner one.

A name is looked up once for each connection, every address that it has is checked, and the very address that was
checked is connected to: so a name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from ticker.address import Proxies


class Forbidden(Exception):
    """This address is not sent to."""


class Guard:
    """Which addresses of others may be sent to: https, public addresses, and where it is so told certain hosts only."""

    def __init__(self, trusted: str = "", hosts: Iterable[str] = ()) -> None:
        """`trusted` are addresses and networks that may be sent to all the same, by http as well.

        `hosts` are the only ones that may be named, when there are any; `*.` stands for whatever is below one.
        """
        self._trusted = Proxies.parse(trusted)
        self._hosts = tuple(host.strip().lower() for host in hosts if host.strip())

    def check(self, url: str) -> None:
        """Raises Forbidden for what is not sent to whatever its name means."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise Forbidden("this is no address") from None
        if not host or parts.username is not None or parts.password is not None:
            raise Forbidden("an address has a host, and no user")
        trusted = self._trusted.names(host)
        if parts.scheme != "https" and not (trusted and parts.scheme == "http"):
            raise Forbidden("only https is sent to")
        if trusted:
            return
        if self._hosts and not any(_below(host.lower(), known) for known in self._hosts):
            raise Forbidden(f"{host} is not one of the services that are sent to")
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return
        self.address(host)

    def address(self, address: str) -> None:
        """Raises Forbidden unless this address is public, or trusted."""
        if self._trusted.names(address):
            return
        found = ipaddress.ip_address(address.partition("%")[0])
        inner = [found]
        if isinstance(found, ipaddress.IPv6Address):
            # An inner address can be written inside of an outer one.
            inner += [told for told in (found.ipv4_mapped, found.sixtofour) if told is not None]
            if found in _NAT64:
                inner.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        if any(not told.is_global or told.is_multicast or told.is_reserved for told in inner[1:] or inner):
            raise Forbidden(f"{address} is not a public address")

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, each of them checked. Raises Forbidden when one of them is not to be sent to."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
        for address in addresses:
            self.address(address)
        return addresses


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _below(host: str, known: str) -> bool:
    return host.endswith(known[1:]) if known.startswith("*.") else host == known
