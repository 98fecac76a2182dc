"""An empty machine: the programs of this one, and a disk, processes and a loopback of its own that go with it.

What is on this machine's disk is seen, and whatever is written goes into memory (overlayfs), so that the commands of a
manual can be run as they stand, as root, with the paths and ports that they name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECONDS = 120
KINDS = ("--mount", "--net", "--pid", "--fork", "--kill-child")

SETUP = """
set -eu
disk=$1; shared=$2; shift 2
mount -t tmpfs none "$disk"
mkdir "$disk/upper" "$disk/work" "$disk/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$disk/root"
cd "$disk/root"
mount -t proc none proc
mount --rbind /dev dev
mount -t tmpfs none run
mount -t tmpfs none tmp
for seen in "$@"; do
  if [ "$(stat -c %d "$seen")" != "$(stat -c %d /)" ]; then mkdir -p ".$seen"; mount --rbind "$seen" ".$seen"; fi
  while [ "$seen" != / ]; do chmod o+x ".$seen" 2>/dev/null || true; seen=$(dirname "$seen"); done
done
rm -rf etc/ticker var/lib/ticker opt/ticker var/lib/redis/*
mkdir -p media/backup
mount --bind "$shared" media/backup
ip link set lo up
exec chroot . /bin/bash -eu -o pipefail /media/backup/.script
"""

# What the manual asks of systemd: the service's command, as its user, with its environment.
SYSTEMCTL = r"""
cat > /usr/local/bin/systemctl <<'STANDIN'
#!/bin/bash
set -eu
verb=$1 name=${!#} unit=/etc/systemd/system/${!#}.service
[ -e "$unit" ] || unit=/lib/systemd/system/$name.service
value() { sed -n "s/^$1=//p" "$unit" | tail -n 1; }
stop() {
  [ -e "/run/$name.pid" ] || return 0
  kill "$(cat "/run/$name.pid")"
  while kill -0 "$(cat "/run/$name.pid")" 2>/dev/null; do sleep 0.02; done
  rm "/run/$name.pid"
}
start() {
  user=$(value User)
  install -d -o "$user" "/run/$(value RuntimeDirectory)"
  set -a
  [ -z "$(value EnvironmentFile)" ] || . "$(value EnvironmentFile)"
  set +a
  setsid setpriv --reuid "$user" --regid "$user" --init-groups $(value ExecStart) > "/var/log/$name.log" 2>&1 &
  echo $! > "/run/$name.pid"
}
case $verb in
  stop) stop ;;
  start|enable) start ;;
  restart) stop; start ;;
  *) exit 1 ;;
esac
STANDIN
chmod 755 /usr/local/bin/systemctl
hash -r
"""


def needed() -> None:
    """Skip, or fail in CI, where there can be no such machine."""
    try:
        can = os.geteuid() == 0 and sys.platform == "linux" and shutil.which("ip") is not None
        can = can and subprocess.run(["unshare", *KINDS, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        can = False
    if not can:
        if os.environ.get("CI"):
            pytest.fail("no namespaces can be made on this machine, and CI must be able to")
        pytest.skip("an empty machine is made of Linux namespaces, as root")


def run(script: str, disk: Path, shared: Path) -> str:
    """Run a script as root on an empty machine, `shared` at /media/backup; what it said, which must have gone well."""
    disk.mkdir()
    (shared / ".script").write_text(SYSTEMCTL + script, encoding="utf-8")
    # Other users have to reach the checkout and its Python there, wherever they lie on this one.
    seen = (ROOT, Path(sys.prefix), Path(sys.base_prefix))
    unshare = shutil.which("unshare")
    assert unshare is not None
    done = subprocess.run(
        [unshare, *KINDS, "/bin/sh", "-c", SETUP, "sh", str(disk), str(shared), *map(str, seen)],
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
