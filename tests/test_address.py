"""Addresses: whose word about a client is taken, and what of an address is counted."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ticker.address import Proxies, bucket

OURS = "10.0.0.0/8, 192.0.2.1, 2001:db8:ffff::/48"
PROXY, OTHER_PROXY, CLIENT = "10.0.0.1", "10.0.0.2", "203.0.113.7"

addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
words = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        pytest.param(CLIENT, [], CLIENT, id="no proxy"),
        pytest.param(CLIENT, ["198.51.100.1"], CLIENT, id="a client who says that he is another"),
        pytest.param(PROXY, [], PROXY, id="the proxy itself"),
        pytest.param(PROXY, [CLIENT], CLIENT, id="one proxy"),
        pytest.param(PROXY, [f"{CLIENT}, {OTHER_PROXY}"], CLIENT, id="two proxies"),
        pytest.param(PROXY, [CLIENT, OTHER_PROXY], CLIENT, id="two headers are one list"),
        pytest.param(PROXY, [f"198.51.100.1, {CLIENT}"], CLIENT, id="what the client wrote stands further left"),
        pytest.param(PROXY, [f"{PROXY}, {CLIENT}"], CLIENT, id="a client who says that he is our proxy"),
        pytest.param(PROXY, [f"{OTHER_PROXY},{PROXY}"], OTHER_PROXY, id="proxies alone"),
        pytest.param(PROXY, [f"{CLIENT}, unknown"], PROXY, id="no address at the first step"),
        pytest.param(PROXY, [f"{CLIENT}, , {OTHER_PROXY}"], OTHER_PROXY, id="nothing at the second step"),
        pytest.param(PROXY, [""], PROXY, id="an empty header"),
        pytest.param(PROXY, [f"{CLIENT}:51234"], CLIENT, id="with a port"),
        pytest.param(PROXY, ["[2001:db8::7]:51234"], "2001:db8::7", id="IPv6 with a port"),
        pytest.param(PROXY, ["[2001:db8::7]"], "2001:db8::7", id="IPv6 in brackets"),
        pytest.param(PROXY, ["2001:DB8:0::7"], "2001:db8::7", id="IPv6"),
        pytest.param(PROXY, [f"::ffff:{CLIENT}"], CLIENT, id="IPv4 within IPv6"),
        pytest.param(PROXY, [f"[::ffff:{CLIENT}]:80"], CLIENT, id="IPv4 within IPv6 with a port"),
        pytest.param(f"::ffff:{PROXY}", [CLIENT], CLIENT, id="a proxy's IPv4 within IPv6"),
        pytest.param(PROXY, [f"{CLIENT}, ::ffff:{OTHER_PROXY}"], CLIENT, id="the second proxy's IPv4 within IPv6"),
        pytest.param("2001:db8:ffff::1", [CLIENT], CLIENT, id="a proxy in a network of IPv6"),
        pytest.param("2001:db8:fffe::1", [CLIENT], "2001:db8:fffe::1", id="beside the network"),
        pytest.param("fe80::1%eth0", [CLIENT], "fe80::1", id="a zone"),
        pytest.param("", [CLIENT], "", id="a Unix socket"),
        pytest.param("testclient", [CLIENT], "testclient", id="a peer without an address"),
        *(
            pytest.param(PROXY, [wrong], PROXY, id=f"no address: {wrong}")
            for wrong in (
                "1.2.3",
                "1.2.3.256",
                "1.2.3.4:",
                "1.2.3.4:x",
                "1.2.3.4:123456",
                "01.2.3.4",
                "[1.2.3.4]",
                "[::1",
                "::1]",
                "[::1]80",
                "_hidden",
                "1.2.3.4%eth0",
                "for=1.2.3.4",
                "\u0661.2.3.4",
                " " * 70 + "1.2.3.4",
            )
        ),
    ],
)
def test_the_client_is_whom_our_own_proxies_name(peer: str, forwarded: Sequence[str], found: str) -> None:
    """From the right, for as long as a proxy of ours was speaking."""
    assert found == Proxies.parse(OURS).client(peer, forwarded)


def test_by_default_nobody_is_believed() -> None:
    """The connection says where it comes from."""
    assert PROXY == Proxies().client(PROXY, [CLIENT]) == Proxies.parse(" , ").client(PROXY, [CLIENT])


@given(st.lists(st.one_of(addresses, words)), addresses.filter(lambda address: not address.startswith("10.")))
def test_whatever_a_client_writes_he_is_who_he_is(written: list[str], client: str) -> None:
    """Our two proxies add what they saw on the right; nothing to the left of it counts."""
    proxies = Proxies.parse("10.0.0.0/8")
    plain = proxies.client(client, [])
    assert plain == proxies.client(client, [", ".join(written)])
    assert plain == proxies.client(PROXY, [", ".join([*written, client, OTHER_PROXY])])
    assert plain == proxies.client(PROXY, [*written, f"{client}, {OTHER_PROXY}"])


@given(st.lists(words), words)
def test_no_header_breaks_it(forwarded: list[str], peer: str) -> None:
    """There is always an answer: the peer, or an address out of the header, when everybody is believed."""
    found = Proxies.parse("0.0.0.0/0, ::/0").client(peer, forwarded)
    assert found == peer or ipaddress.ip_address(found)


@pytest.mark.parametrize(
    ("network", "peer"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.0/120", "10.1.2.3"),
        ("::ffff:10.1.2.3", "::ffff:10.1.2.3"),
        ("::1/128", "::1"),
        ("0.0.0.0/0", "8.8.8.8"),
    ],
)
def test_a_proxy_is_named_by_its_address_or_its_network(network: str, peer: str) -> None:
    """IPv4 may be written within IPv6, there as here."""
    assert CLIENT == Proxies.parse(f"198.51.100.1,{network}").client(peer, [CLIENT])


@pytest.mark.parametrize("wrong", ["proxy.example", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8;::1", "*"])
def test_what_is_no_address_names_no_proxy(wrong: str) -> None:
    """A slip is told, with the word that it is in: nobody should be believed, or doubted, by mistake."""
    with pytest.raises(ValueError, match="is no address and no network") as refused:
        Proxies.parse(f"127.0.0.1, {wrong}")
    assert f"'{wrong}'" in str(refused.value)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_ipv6_is_counted_by_its_network(address: str, counted: str) -> None:
    """Who has one address of a /64 has all of them."""
    assert counted == bucket(address)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::2", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_an_address_is_one_of_those_named_or_not(address: str, named: bool) -> None:
    """As text, as a socket tells it."""
    assert named == Proxies.parse("127.0.0.0/8,::1").names(address)
