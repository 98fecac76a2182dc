"""Installs what the tests need and this machine lacks: browsers, a Redis server to hold the contract with, tools.

`make test` runs this first. As root on a system with apt, the system's packages; else the browser that Playwright
installs by itself. What cannot be installed fails in CI, and on a laptop is told in a sentence: its tests skip.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SYSTEM: dict[tuple[str, ...], tuple[str, ...]] = {
    # Arabic and emoji need fonts that a bare system does not have.
    BROWSERS: ("chromium", "fonts-noto-core", "fonts-noto-color-emoji"),
    # A second browser, driven over its own protocol: Playwright's Firefox is one of its own making.
    ("firefox-esr", "firefox"): ("firefox-esr",),
    ("redis-server",): ("redis-server",),
    # Only its `config` is used, so that the compose file is read by the tool that it is written for.
    ("docker-compose",): ("docker-compose",),
    # Rules, alarms and the page of figures are read by the program that they are written for.
    ("promtool",): ("prometheus",),
    # The proxy before a fleet.
    ("nginx",): ("nginx-light",),
    # A server's clock is set by a few lines of C, a cable is pulled by the kernel, a line is sealed by a certificate,
    # machines that do not exist are made of namespaces.
    ("cc",): ("gcc", "libc6-dev"),
    ("iptables",): ("iptables",),
    ("openssl",): ("openssl",),
    ("ip",): ("iproute2",),
    ("npm",): ("nodejs", "npm"),
}
"""Programs, of which any will do, and the packages that bring them."""
LIGHTER = "chromium-headless-shell"
"""Chromium without windows: tests take less time with it, and no harm without."""
# Debian keeps some where only root looks.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
MINUTES = 5


def main() -> int:
    """Returns 1 when a part is missing in CI. With `--system`, only the system's packages are seen to."""
    lacking = [packages for programs, packages in SYSTEM.items() if not there(programs)]
    # One by one where not every system has each of them.
    if lacking and not apt(*(package for packages in lacking for package in packages)):
        for packages in lacking:
            apt(*packages)
    if there(BROWSERS) and not there((LIGHTER,)):
        apt(LIGHTER)
    if "--system" in sys.argv:
        return 0
    if not there(BROWSERS) and not playwrights_own():
        run(sys.executable, "-m", "playwright", "install", "chromium")
    missing = [
        f"'{programs[0]}' (install your system's package '{packages[0]}')"
        for programs, packages in SYSTEM.items()
        if not there(programs) and not (programs is BROWSERS and playwrights_own())
    ]
    if there(("npm",)) and not run("make", "--no-print-directory", "node_modules/.tools"):
        missing.append("what npm installs (run: make node_modules/.tools)")
    for part in missing:
        print(f"This machine lacks {part}; the tests that need it are skipped.", file=sys.stderr)
    return 1 if missing and os.environ.get("CI") else 0


def there(programs: tuple[str, ...]) -> bool:
    """Whether any of them is installed."""
    return any(shutil.which(program, path=PATH) for program in programs)


def playwrights_own() -> bool:
    """Whether the browser that Playwright brings is installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return os.path.exists(playwright.chromium.executable_path)


def apt(*packages: str) -> bool:
    """Install system packages, when we may."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print(f"installing {', '.join(packages)}", flush=True)
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    return listed() and run("apt-get", "install", "-y", "-q", *packages)


@functools.cache
def listed() -> bool:
    """The system's lists of packages are read anew, once."""
    return run("apt-get", "update", "-q")


def run(*command: str) -> bool:
    """Whether the command succeeded; what it says is shown when it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MINUTES * 60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return False
    if done.returncode:
        print(done.stdout[-1000:], done.stderr[-2000:], file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
