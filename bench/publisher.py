"""One publisher on one kept-alive HTTP connection, posting alerts that all differ."""

import random
import socket
import time

from bench.target import RoundError, Target

LONGEST_HEADLINE = 279
SMALLEST_BODY, LARGEST_BODY = 80, 380
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Publisher:
    """Posts without waiting: whoever polls the socket calls `hear` when there is something to read."""

    def __init__(self, target: Target, marker: str, body_bytes: int) -> None:
        if not SMALLEST_BODY <= body_bytes <= LARGEST_BODY:
            raise SystemExit(f"bench: a body has {SMALLEST_BODY} to {LARGEST_BODY} bytes, not {body_bytes}")
        self.target = target
        self.marker = marker
        self.body_bytes = body_bytes
        self.posted_ns: list[int] = []  # by alert: when its POST began
        self.waiting = False  # for the answer to the latest
        self.sock = socket.create_connection(("127.0.0.1", target.port), timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self._answer = b""

    def post(self) -> None:
        body = self._body(len(self.posted_ns))
        lines = (
            f"POST {self.target.post_path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.target.port}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *self.target.post_headers,
        )
        request = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
        self.waiting, self._answer = True, b""
        self.posted_ns.append(time.perf_counter_ns())
        self.sock.send(request)  # smaller than any socket buffer, and only one is ever on its way

    def hear(self) -> None:
        try:
            got = self.sock.recv(1 << 16)
        except BlockingIOError:
            return
        if not got or not self.waiting:
            raise RoundError("the server closed the publisher's connection, or answered without a question")
        self._answer += got
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(b"HTTP/1.1 2"):
            raise RoundError(f"a POST was refused: {self._answer[:600].decode(errors='replace')}")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        # Without a length the answer comes in chunks, of which the last is empty.
        self.waiting = len(body) < int(length) if length else not body.endswith(b"0\r\n\r\n")

    def _body(self, number: int) -> str:
        """A body of exactly `body_bytes`, in words of its own, so that no guard against repeats stops it."""
        words = random.Random(number)
        headline, attribution = f"{self.marker} item {number:06d}", ""
        if self.body_bytes - len('{"headline": ""}') > LONGEST_HEADLINE:
            # What a headline may not hold goes where the source's name goes.
            fixed = len('{"headline": "", "attribution": ""}')
            source = _fill(words, "Wire", max(20, self.body_bytes - fixed - LONGEST_HEADLINE))
            attribution = f', "attribution": "{source}"'
        room = self.body_bytes - len('{"headline": ""}') - len(attribution)
        return f'{{"headline": "{_fill(words, headline, room)}"{attribution}}}'


def _fill(words: random.Random, text: str, size: int) -> str:
    while len(text) < size:
        text += " " + "".join(words.choices(LETTERS, k=words.randint(3, 9)))
    return text[:size].rstrip().ljust(size, ".")
