"""The systems that people would take instead: where each is found, how it is set, how it is started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".bench"
DEBIAN = CACHE / "debian"
SOCKETIFY = CACHE / "socketify" / "bin" / "python"
NODE = CACHE / "node"
GO = CACHE / "bin"
# Debian's nginx has this name built in, and nchan has it made whatever the configuration says.
NGINX_FOLDER = Path("/var/lib/nginx")
TOPIC = "t"
HELLO_MQTT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00\x82\x06\x00\x01\x00\x01t\x00"
HELLO_NATS = b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB t 1\r\nPING\r\n'


@dataclass(frozen=True)
class Target:
    """Where readers and publishers connect, and what they say there."""

    port: int
    path: str = "/"
    post_port: int = 0
    """0: the readers' port."""
    post_path: str = "/"
    headers: tuple[str, ...] = ()
    protocol: str = "http"
    """How items are published: `http`, `nats` or `mqtt`."""
    subprotocol: str = ""
    hello: bytes = b""
    """What a reader sends after the handshake."""
    welcome: bytes = b""
    """What stands in the frame that lets a reader in; without it the handshake does."""


@dataclass(frozen=True)
class Plan:
    """A command, its environment, and where it will listen."""

    command: list[str]
    target: Target
    environ: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Peer:
    """`version` is None when it is not installed; `plan` takes a directory of its own and two free ports."""

    title: str
    settings: str
    version: Callable[[], str | None]
    plan: Callable[[Path, int, int], Plan]


def libraries() -> dict[str, str]:
    """The environment in which programs out of unpacked Debian packages find their libraries."""
    folders = [str(path) for path in (*DEBIAN.glob("usr/lib/*-linux-gnu*"), *DEBIAN.glob("lib/*-linux-gnu*"))]
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def find(name: str) -> str | None:
    """A program: installed in the system, or unpacked into our cache."""
    unpacked = [str(path) for path in (GO / name, DEBIAN / "usr/sbin" / name) if os.access(path, os.X_OK)]
    return unpacked[0] if unpacked else shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _said(*command: str) -> str:
    """What a program says about its version, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=os.environ | libraries())
    except OSError:
        return ""
    return done.stdout + done.stderr


def _number(text: str) -> str | None:
    found = re.search(r"\d+\.\d+(\.\d+)*", text)
    return found[0] if found else None


def _nchan_module() -> Path | None:
    places = (DEBIAN / "usr/lib/nginx/modules", Path("/usr/lib/nginx/modules"), Path("/usr/share/nginx/modules"))
    found = [path for place in places if (path := place / "ngx_nchan_module.so").exists()]
    return found[0] if found else None


def _nchan_version() -> str | None:
    nginx, module = find("nginx"), _nchan_module()
    number = _number(_said(nginx, "-v")) if nginx and module and NGINX_FOLDER.is_dir() else None
    return f"nginx {number} with nchan" if number else None


def _nchan(folder: Path, port: int, other: int) -> Plan:
    nginx, module = find("nginx"), _nchan_module()
    assert nginx
    user = "user root;" if os.geteuid() == 0 else ""  # or its worker could not enter the folder
    (folder / "nginx.conf").write_text(
        f"""daemon off; worker_processes 1; {user} pid {folder}/pid; error_log {folder}/error.log crit;
load_module {module}; worker_rlimit_nofile 100000;
events {{ worker_connections 90000; multi_accept on; use epoll; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 600s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; nchan_shared_memory_size 256m;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /post {{ nchan_publisher; nchan_channel_id {TOPIC}; nchan_message_buffer_length 10000; }}
    location = /live {{
      nchan_subscriber websocket; nchan_channel_id {TOPIC};
      nchan_subscriber_first_message newest; nchan_websocket_ping_interval 0;
    }}
  }}
}}
""",
        encoding="utf-8",
    )
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    return Plan(command, Target(port, "/live", post_path="/post"), libraries())


def _socketify_version() -> str | None:
    code = "from importlib.metadata import version; print(version('socketify'))"
    return _number(_said(str(SOCKETIFY), "-c", code)) if SOCKETIFY.exists() else None


def _socketify(folder: Path, port: int, other: int) -> Plan:
    return Plan([str(SOCKETIFY), str(HERE / "uws.py"), str(port)], Target(port))


def _ws_version() -> str | None:
    node = shutil.which("node")
    if not node or not (NODE / "node_modules/ws").exists():
        return None
    number = _number((NODE / "node_modules/ws/package.json").read_text(encoding="utf-8").partition('"version"')[2])
    return f"{number} on Node {_number(_said(node, '--version'))}"


def _ws(folder: Path, port: int, other: int) -> Plan:
    node = shutil.which("node")
    assert node
    modules = {"BENCH_MODULES": str(NODE / "node_modules")}
    return Plan([node, str(HERE / "ws.cjs"), str(port)], Target(port), modules)


def _nats_version() -> str | None:
    program = find("nats-server")
    return _number(_said(program, "--version")) if program else None


def _nats(folder: Path, port: int, other: int) -> Plan:
    program = find("nats-server")
    assert program
    (folder / "nats.conf").write_text(
        f"""listen: "127.0.0.1:{other}"
websocket {{ listen: "127.0.0.1:{port}", no_tls: true, compression: false }}
max_connections: 100000
max_pending: 1GB
write_deadline: "60s"
ping_interval: "1h"
logfile: "{folder}/log"
""",
        encoding="utf-8",
    )
    target = Target(port, post_port=other, post_path=TOPIC, protocol="nats", hello=HELLO_NATS, welcome=b"PONG")
    return Plan([program, "-c", str(folder / "nats.conf")], target)


def _mosquitto_version() -> str | None:
    program = find("mosquitto")
    return _number(_said(program, "-h")) if program else None


def _mosquitto(folder: Path, port: int, other: int) -> Plan:
    program = find("mosquitto")
    assert program
    user = "user root" if os.geteuid() == 0 else ""
    (folder / "mosquitto.conf").write_text(
        f"""{user}
listener {other} 127.0.0.1
protocol mqtt
listener {port} 127.0.0.1
protocol websockets
allow_anonymous true
persistence false
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true
sys_interval 0
log_type none
""",
        encoding="utf-8",
    )
    target = Target(
        port,
        post_port=other,
        post_path=TOPIC,
        protocol="mqtt",
        subprotocol="mqtt",
        hello=HELLO_MQTT,
        welcome=b"\x90\x03\x00\x01\x00",
    )
    return Plan([program, "-c", str(folder / "mosquitto.conf")], target, libraries())


def _starlette_version() -> str | None:
    code = "from importlib.metadata import version as v; print(v('starlette') + ' on uvicorn ' + v('uvicorn'))"
    return _said(sys.executable, "-c", code).strip() or None


def _starlette(folder: Path, port: int, other: int) -> Plan:
    return Plan([sys.executable, str(HERE / "plain.py"), str(port)], Target(port, "/live", post_path="/post"))


PEERS: dict[str, Peer] = {
    "nchan": Peer(
        "nchan",
        "`worker_processes 1`, `multi_accept on`, no access log, `tcp_nodelay on`, kept-alive publishers without a "
        "limit of requests, first message `newest`, no pings, 256 MB of shared memory",
        _nchan_version,
        _nchan,
    ),
    "uws": Peer(
        "uWebSockets (socketify)",
        "topics (`ws.subscribe`, `app.publish`), no compression, no idle timeout, 1 GiB of backpressure; libuv's loop "
        "runs by itself, without the polling by asyncio",
        _socketify_version,
        _socketify,
    ),
    "ws": Peer(
        "ws on Node",
        "`perMessageDeflate: false`, `skipUTF8Validation`, with `bufferutil`; `send` of one Buffer as text for each "
        "reader, which takes the body without encoding it again",
        _ws_version,
        _ws,
    ),
    "nats": Peer(
        "nats-server",
        "WebSocket without TLS and compression, `max_pending 1GB`, `write_deadline 60s`, no pings; publishers speak "
        "NATS over TCP and wait for no answer",
        _nats_version,
        _nats,
    ),
    "mosquitto": Peer(
        "mosquitto",
        "MQTT over WebSocket, QoS 0, no persistence, queues without a limit, `set_tcp_nodelay`, no `$SYS` topics, no "
        "log; publishers speak MQTT over TCP and wait for no answer",
        _mosquitto_version,
        _mosquitto,
    ),
    "starlette": Peer(
        "Starlette, await each send",
        "`await socket.send_text(text)` for each reader in turn; "
        "uvicorn with uvloop, httptools and `websockets-sansio`, no compression, no pings, no access log",
        _starlette_version,
        _starlette,
    ),
}
