"""A crowd of WebSocket readers and one publisher, in one thread, counting every alert at every reader."""

import errno
import os
import select
import socket
import struct
import time
from array import array
from types import TracebackType

from bench.publisher import Publisher
from bench.target import RoundError, Target

HANDSHAKES_IN_FLIGHT = 200  # more would fill the server's backlog and measure the kernel's retries
READERS_PER_ADDRESS = 20_000  # an address has about 28,000 ports to connect from
IP_BIND_ADDRESS_NO_PORT = 24  # of linux/in.h: the port is chosen at connect, when it may be shared

# A fixed key makes the right answer a fixed text, so the smallest server needs no SHA-1.
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT, PING = 1, 9
EMPTY_PONG = b"\x8a\x80\0\0\0\0"


class Reader:
    """One connection: the bytes of a frame not yet whole, and the least number that may come next."""

    __slots__ = ("due", "rest", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.rest = b""
        self.due = -1  # unknown before the handshake


class Gauge:
    """Joins, posts and counts; every wait has a deadline, after which it raises `RoundError`."""

    def __init__(self, target: Target, marker: str, body_bytes: int) -> None:
        self.target = target
        self.latencies_ns = array("Q")
        self.last_ns: list[int] = []  # by alert: when the latest reader had it
        self.delivered = 0
        self.strays = 0  # twice, or after a later one
        self.lost = 0  # connections that the server closed
        self.frame_bytes = 0
        self.latest_post_ns = 0  # how far the worst post was behind its plan
        self._joined = 0
        self._needle = f"{marker} item ".encode()
        self._readers: dict[int, Reader] = {}
        self._buffer = bytearray(1 << 18)
        self._publisher = Publisher(target, marker, body_bytes)
        self._posted_ns = self._publisher.posted_ns
        self._epoll = select.epoll()
        self._epoll.register(self._publisher.sock, select.EPOLLIN)

    def __enter__(self) -> "Gauge":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for sock in (self._publisher.sock, *(reader.sock for reader in self._readers.values())):
            # Reset instead of FIN: thousands of sockets in TIME_WAIT would weigh on the next round.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        self._epoll.close()

    def join(self, readers: int) -> None:
        deadline = time.monotonic() + 10 + readers / 100
        opened = 0
        while self._joined < readers:
            while opened < readers and opened - self._joined < HANDSHAKES_IN_FLIGHT:
                self._dial(opened)
                opened += 1
            self._turn(deadline, f"{self._joined} of {readers} readers joined")

    def post(self, count: int, gap: float) -> None:
        """Post `count` alerts, one every `gap` seconds, and wait until each reader has them all.

        An alert that never comes is no exception but a number: `delivered` stays below what was expected.
        """
        planned = time.perf_counter_ns()
        awaited = self.delivered + count * self._joined
        for _ in range(count):
            while (left := planned - time.perf_counter_ns()) > 0:
                self._poll(left / 1e9)
            self.last_ns.append(0)
            self._publisher.post()
            self.latest_post_ns = max(self.latest_post_ns, self._posted_ns[-1] - planned)
            planned += int(gap * 1e9)
            deadline = time.monotonic() + 10
            while self._publisher.waiting:
                self._turn(deadline, "a POST was answered")
        deadline = time.monotonic() + 10
        while self.delivered < awaited and time.monotonic() < deadline:
            self._poll(0.1)

    def rest(self, seconds: float) -> None:
        """Keep reading while nothing is asked of the server."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._poll(left)

    def forget(self) -> None:
        """Start counting anew: what came so far was preparation."""
        self.latencies_ns = array("Q")
        self.delivered = self.strays = self.frame_bytes = self.latest_post_ns = 0

    def last_reader_ns(self, count: int) -> list[int]:
        """For each of the latest `count` alerts, the time until nobody waited for it any more."""
        pairs = zip(self._posted_ns[-count:], self.last_ns[-count:], strict=True)
        return [last - posted for posted, last in pairs if last]

    def _dial(self, index: int) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        if index >= READERS_PER_ADDRESS:
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((f"127.0.0.{1 + index // READERS_PER_ADDRESS}", 0))
        self._readers[sock.fileno()] = Reader(sock)
        error = sock.connect_ex(("127.0.0.1", self.target.port))
        if error not in (0, errno.EINPROGRESS):
            raise RoundError(f"a reader could not connect: {os.strerror(error)}")
        self._epoll.register(sock, select.EPOLLOUT)

    def _turn(self, deadline: float, wanted: str) -> None:
        if time.monotonic() > deadline:
            raise RoundError(f"gave up waiting until {wanted}")
        self._poll(0.1)

    def _poll(self, timeout: float) -> None:
        readers, hear = self._readers, self._hear
        for fd, events in self._epoll.poll(timeout):
            reader = readers.get(fd)
            if reader is None:
                self._publisher.hear()
            elif events & select.EPOLLOUT:
                self._ask(reader)
            else:
                hear(reader)

    def _ask(self, reader: Reader) -> None:
        """The connection stands: ask for the upgrade."""
        if error := reader.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise RoundError(f"a reader could not connect: {os.strerror(error)}")
        reader.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader.sock.send(HANDSHAKE.format(path=self.target.live_path, port=self.target.port).encode())
        self._epoll.modify(reader.sock, select.EPOLLIN)

    def _hear(self, reader: Reader) -> None:
        try:
            got = reader.sock.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            got = 0
        now = time.perf_counter_ns()
        if got == 0:
            self._epoll.unregister(reader.sock)
            self.lost += 1
            if reader.due < 0:
                raise RoundError("a reader was cut before its handshake was answered")
        elif reader.due < 0:
            self._hear_handshake(reader, reader.rest + self._buffer[:got], now)
        elif reader.rest:
            whole = reader.rest + self._buffer[:got]
            self._hear_frames(reader, whole, len(whole), now)
        else:
            self._hear_frames(reader, self._buffer, got, now)  # the usual case, without a copy

    def _hear_handshake(self, reader: Reader, data: bytes, now: int) -> None:
        head, end, frames = data.partition(b"\r\n\r\n")
        if not end:
            reader.rest = data
            return
        status = head.partition(b"\r\n")[0].decode("latin-1")
        if status.split()[1:2] != ["101"]:
            raise RoundError(f"a reader was refused: {status}")
        reader.due = len(self._posted_ns)
        self._joined += 1
        self._hear_frames(reader, frames, len(frames), now)

    def _hear_frames(self, reader: Reader, data: bytes | bytearray, end: int, now: int) -> None:
        """Take the whole frames out of `data[:end]` and keep the rest (RFC 6455, 5.2; nothing is masked)."""
        at = 0
        while end - at >= 2:
            size = data[at + 1] & 127
            start = at + 2
            if size >= 126:
                start += 2 if size == 126 else 8
                if start > end:
                    break
                size = int.from_bytes(data[at + 2 : start], "big")
            if start + size > end:
                break
            opcode = data[at] & 15
            if opcode == TEXT:
                self._hear_text(reader, data, start, start + size, now)
            elif opcode == PING:
                reader.sock.send(EMPTY_PONG)
            at = start + size
        reader.rest = bytes(data[at:end])

    def _hear_text(self, reader: Reader, data: bytes | bytearray, start: int, end: int, now: int) -> None:
        """One frame is one alert, however often its text stands in it."""
        if not data.startswith(self.target.alert_prefix, start, end):
            return
        at = data.find(self._needle, start, end)
        if at < 0:
            return
        at += len(self._needle)
        number = int(data[at : at + 6])
        if number < reader.due:
            self.strays += 1
            return
        reader.due = number + 1  # alerts that it jumped over are missing from `delivered`
        self.delivered += 1
        self.frame_bytes += end - start
        self.latencies_ns.append(now - self._posted_ns[number])
        self.last_ns[number] = now
