"""The client's address behind a request, and what of it is counted.

Whoever connects can write any `X-Forwarded-For`; only what a proxy of ours added to it is believed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST = 64
MAPPED_BITS = 96
"""Bits before the IPv4 address in an IPv4-mapped one (RFC 4291, 2.5.5.2)."""
CUSTOMER_BITS = 64
"""One customer has at least so much of IPv6 to himself (RFC 6177), so a single address says nothing about him."""

_HOP = re.compile(r"\[(?P<six>[^\]]*:[^\]]*)\](?::\d{1,5})?|(?P<four>[\d.]+)(?::\d{1,5})?|(?P<bare>.+)", re.ASCII)


class Proxies:
    """The proxies whose word about a client is taken."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        """Without any, nobody's word is."""
        self._networks = tuple(networks)

    @classmethod
    def parse(cls, text: str) -> Proxies:
        """Addresses and networks (`10.1.2.3`, `10.0.0.0/8`, `2001:db8::/32`), with commas between.

        Raises ValueError with a sentence that names the one that is neither.
        """
        return cls(_network(part.strip()) for part in text.split(",") if part.strip())

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The address of the client: `peer`, or whom the named proxies say that they speak for.

        `forwarded` holds the values of the request's `X-Forwarded-For` headers, in their order. Each proxy adds the
        address that it saw on the right, so the list is read from there for as long as a proxy of ours was speaking.
        What is no address ends it: further left stands only what the client wrote himself.
        """
        found = _parsed(peer)
        if found is None:
            return peer
        for hop in reversed([hop for value in forwarded for hop in value.split(",")]):
            if not self._named(found):
                break
            before = _parsed(hop)
            if before is None:
                break
            found = before
        return str(found)

    def names(self, address: str) -> bool:
        """Whether this is the address of one of them."""
        found = _parsed(address)
        return found is not None and self._named(found)

    def _named(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def bucket(address: str) -> str:
    """What is counted in place of this address: itself, or for IPv6 the /64 that it is one of."""
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, CUSTOMER_BITS), strict=False))
    return address if found is None else str(found)


def _parsed(text: str) -> Address | None:
    """An address as a socket or a proxy writes it: perhaps in brackets, with a port, a zone, or IPv4 within IPv6."""
    match = _HOP.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        return None
    plain = match["six"] or match["four"] or match["bare"]
    if ":" in plain:
        plain = plain.partition("%")[0]
    try:
        found = ipaddress.ip_address(plain)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _network(text: str) -> Network:
    try:
        found = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no address and no network ({error})") from None
    if isinstance(found, ipaddress.IPv6Network) and found.prefixlen >= MAPPED_BITS:
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:
            # Such clients are known by their IPv4 address, so the network has to be named by it as well.
            return ipaddress.IPv4Network((mapped, found.prefixlen - MAPPED_BITS))
    return found
