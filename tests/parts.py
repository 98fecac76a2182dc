"""Installs what the tests need and this machine lacks: browsers, a Redis server to hold the contract with, tools.

`make test` runs this first. As root on a system with apt, the system's packages; else the browser that Playwright
installs by itself. What cannot be installed fails in CI, and on a laptop is told in a sentence: its tests skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FIREFOX = ("firefox-esr", "firefox")
FONTS = ("fonts-noto-core", "fonts-noto-color-emoji")
MINUTES = 5


def main() -> int:
    """Returns 1 when a part is missing in CI."""
    missing = []
    if not any(map(shutil.which, BROWSERS)) and not playwrights_own():
        # Arabic and emoji need fonts that a bare system does not have.
        apt("chromium", *FONTS) or run(sys.executable, "-m", "playwright", "install", "chromium")
        if not any(map(shutil.which, BROWSERS)) and not playwrights_own():
            missing.append("a browser (install Chromium)")
    if not shutil.which("redis-server"):
        apt("redis-server")
        if not shutil.which("redis-server"):
            missing.append("a Redis server (install your system's package 'redis-server')")
    # Only its `config` is used, so that the compose file is read by the tool that it is written for.
    if not shutil.which("docker-compose"):
        apt("docker-compose")
        if not shutil.which("docker-compose"):
            missing.append("Compose (install your system's package 'docker-compose')")
    # The proxy before a fleet. Debian keeps it where only root looks.
    if not shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        apt("nginx-light")
        if not shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
            missing.append("nginx (install your system's package 'nginx-light')")
    # A server's clock is set by a few lines of C, a cable is pulled by the kernel, a line is sealed by a certificate.
    for program, packages in (
        ("cc", ("gcc", "libc6-dev")),
        ("iptables", ("iptables",)),
        ("ip", ("iproute2",)),
        ("openssl", ("openssl",)),
    ):
        if not shutil.which(program):
            apt(*packages)
            if not shutil.which(program):
                missing.append(f"'{program}' (install your system's package '{packages[0]}')")
    # A second browser, driven over its own protocol: Playwright's Firefox is one of its own making.
    if not any(map(shutil.which, FIREFOX)):
        apt("firefox-esr")
        if not any(map(shutil.which, FIREFOX)):
            missing.append("Firefox (install your system's package 'firefox-esr')")
    if not tools():
        missing.append("Node and npm, or what they install (install your system's packages 'nodejs' and 'npm')")
    for part in missing:
        print(f"This machine lacks {part}; the tests that need it are skipped.", file=sys.stderr)
    return 1 if missing and os.environ.get("CI") else 0


def playwrights_own() -> bool:
    """Whether the browser that Playwright brings is installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return os.path.exists(playwright.chromium.executable_path)


def tools() -> bool:
    """Whether what bundles, type-checks and examines the widget is there, as the lock file has it."""
    if not shutil.which("npm"):
        apt("nodejs", "npm")
    return bool(shutil.which("npm")) and run("make", "--no-print-directory", "node_modules/.tools")


def apt(*packages: str) -> bool:
    """Install system packages, when we may."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print(f"installing {', '.join(packages)}", flush=True)
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    return run("apt-get", "update", "-q") and run("apt-get", "install", "-y", "-q", *packages)


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
