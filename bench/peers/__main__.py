"""`python -m bench.peers`: install the peers into a cache of their own, and say of each what there is.

Debian packages are fetched with `apt-get download` and unpacked, the rest has its own folder below `.bench/`. Nothing
goes into the system but one empty folder (`NGINX_FOLDER`). What cannot be had is told, and left out of the bench.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers import CACHE, DEBIAN, GO, NGINX_FOLDER, NODE, PEERS, SOCKETIFY

PACKAGES = {"nchan": ("nginx", "libnginx-mod-nchan"), "mosquitto": ("mosquitto",), "nats": ("nats-server",)}
NATS = "github.com/nats-io/nats-server/v2@latest"


def main() -> int:
    fresh = "--again" in sys.argv[1:]
    for name, peer in PEERS.items():
        said = ""
        if fresh or peer.version() is None:
            try:
                said = install(name)
            except (OSError, subprocess.SubprocessError) as error:
                said = _reason(error)
        version = peer.version()
        print(f"{peer.title}: {version}" if version else f"{peer.title}: missing; {said or 'it does not start'}")
    return 0


def install(name: str) -> str:
    """Fetch one peer. Returns why it cannot be had, or an empty text."""
    CACHE.mkdir(exist_ok=True)
    if name == "uws":
        _run(sys.executable, "-m", "venv", str(SOCKETIFY.parent.parent))
        _run(str(SOCKETIFY), "-m", "pip", "install", "--quiet", "socketify")
    elif name == "ws":
        if not shutil.which("node") or not shutil.which("npm"):
            return "node and npm are needed."
        NODE.mkdir(exist_ok=True)
        # A folder below us that has the package's name would be taken for the package.
        _run("npm", "install", "--silent", "--prefix", str(NODE), "ws@8", "bufferutil@4", cwd=NODE)
    elif name == "nats" and shutil.which("go"):
        _run("go", "install", NATS, environ={"GOBIN": str(GO)})
    elif name in PACKAGES:
        missing = _unpack(*PACKAGES[name])
        if name == "nchan" and not missing:
            NGINX_FOLDER.mkdir(exist_ok=True)
        return missing
    return ""


def _unpack(*packages: str) -> str:
    """Fetch packages and what they need beyond what is installed, and unpack them into the cache."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return f"the Debian packages {' and '.join(packages)} are needed."
    plan = _run("apt-get", "--simulate", "--no-install-recommends", "install", *packages)
    needed = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    archives = DEBIAN / "archives"
    shutil.rmtree(archives, ignore_errors=True)
    archives.mkdir(parents=True)
    if needed:
        _run("apt-get", "download", *needed, cwd=archives)
    for archive in sorted(archives.glob("*.deb")):
        _run("dpkg-deb", "--extract", str(archive), str(DEBIAN))
    return ""


def _run(*command: str, cwd: Path | None = None, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | (environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return done.stdout


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        told = (error.stderr or error.stdout or "").strip().splitlines()
        return f"{error.cmd[0]} failed: {told[-1] if told else error.returncode}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
