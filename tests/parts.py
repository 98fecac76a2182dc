"""Installs what the tests need and this machine lacks: a browser, a Redis server to hold the contract with, Compose.

`make test` runs this first. As root on a system with apt, the system's packages; else the browser that Playwright
installs by itself. What cannot be installed fails in CI, and on a laptop is told in a sentence: its tests skip.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FONTS = ("fonts-noto-core", "fonts-noto-color-emoji")
MINUTES = 5
E2E = Path(__file__).parent / "e2e"
AXE = "4.14.1"
"""As in tests/e2e/axe.py."""


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
    # A server's clock is set by a few lines of C, a cable is pulled by the kernel, a line is sealed by a certificate.
    for program, packages in (("cc", ("gcc", "libc6-dev")), ("iptables", ("iptables",)), ("openssl", ("openssl",))):
        if not shutil.which(program):
            apt(*packages)
            if not shutil.which(program):
                missing.append(f"'{program}' (install your system's package '{packages[0]}')")
    # Accessibility is looked at by the engine that everybody uses; it comes from npm, in one pinned release.
    if not axe():
        missing.append(f"axe-core {AXE} (install npm)")
    for part in missing:
        print(f"This machine lacks {part}; the tests that need it are skipped.", file=sys.stderr)
    return 1 if missing and os.environ.get("CI") else 0


def playwrights_own() -> bool:
    """Whether the browser that Playwright brings is installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return os.path.exists(playwright.chromium.executable_path)


def axe() -> bool:
    """Whether the pinned axe-core is there, installed if need be."""
    package = E2E / "node_modules" / "axe-core" / "package.json"
    if not package.exists() or json.loads(package.read_text(encoding="utf-8"))["version"] != AXE:
        if not shutil.which("npm"):
            apt("npm")
        options = ("--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        run("npm", "install", *options, "--prefix", str(E2E), f"axe-core@{AXE}")
    return package.exists() and json.loads(package.read_text(encoding="utf-8"))["version"] == AXE


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
