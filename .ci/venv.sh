#!/bin/sh
# Make a virtual environment with the newest Python >= 3.11 on this machine.
set -eu
for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        # Debian keeps ensurepip in a package of its own.
        if ! "$python" -c 'import ensurepip' 2>/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -q >/dev/null
            DEBIAN_FRONTEND=noninteractive apt-get install -y -q python3-venv >/dev/null
        fi
        exec "$python" -m venv "$1"
    fi
done
echo "ticker needs Python 3.11 or newer; install one, or name it: make PYTHON=/path/to/python" >&2
exit 1
