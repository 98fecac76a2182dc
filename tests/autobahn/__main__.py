"""`python -m tests.autobahn [CASE…]`: all of Autobahn's cases, or those named, against the echo; some minutes.

The cases are driven by kosoku, which runs Autobahn's own files on Python 3; it is installed into a virtual environment
of its own. Only a run of all cases is written into docs/conformance.md.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import uvloop

from tests.autobahn import report
from tests.autobahn.echo import Echo, RaisedEcho, echoing
from tests.autobahn.report import Outcome

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / ".autobahn"
HOME = FOLDER / "venv"
LOCKED = ROOT / "requirements-autobahn.txt"
PAGE = ROOT / "docs" / "conformance.md"

BEYOND = ("1.1.6", "1.1.7", "1.1.8", "1.2.6", "1.2.7", "1.2.8", "10.1.1")
"""Messages of 64 KB, which no reader may send."""
MANY = ("9.*", "12.*", "13.*")
"""Messages of up to 16 MB, and a thousand in a row."""
TOO_BIG = 1009
ABREAST = 2
MOST = 1800
"""Seconds for one run."""


def install() -> None:
    """Install what drives the cases as it is locked, if it is not there."""
    installed = HOME / LOCKED.name
    if installed.is_file() and installed.read_bytes() == LOCKED.read_bytes():
        return
    print(f"installing the cases into {FOLDER.name} (once)", flush=True)
    venv.create(HOME, clear=True, with_pip=True)
    pip = [str(HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCKED)]
    subprocess.run(pip, check=True, timeout=300)
    shutil.copyfile(LOCKED, installed)


async def run(echo: type[Echo], name: str, cases: Iterable[str] = (), but: Iterable[str] = ()) -> list[Outcome]:
    """Drive these cases, or all, but for those; the report is kept under this name."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    chosen = [word for case in cases for word in ("-i", case)] + [word for case in but for word in ("-x", case)]
    async with echoing(echo) as (address, door):
        with (folder / "output").open("wb") as output:
            driver = await asyncio.create_subprocess_exec(
                HOME / "bin" / "kosoku",
                address,
                "-p",
                str(ABREAST),
                "-o",
                folder,
                *chosen,
                stdout=output,
                stderr=output,
            )
            try:
                await asyncio.wait_for(driver.wait(), MOST)
            finally:
                if driver.returncode is None:
                    driver.kill()
                    await driver.wait()
        assert [] == door.refusals
    # 1: a case is not OK. Which, and whether that is as it should be, stands in the report.
    assert driver.returncode in (0, 1), (folder / "output").read_text(encoding="utf-8")
    return report.read(folder)


async def main(cases: list[str]) -> int:
    """Returns the exit status."""
    if cases:
        outcomes = await run(RaisedEcho, "some", cases)
        print(report.counted(outcomes), report.exceptions(outcomes), sep="\n\n")
        return int(any(outcome.failed for outcome in outcomes))
    production = await run(Echo, "production", but=(*BEYOND, *MANY))
    beyond = await run(Echo, "beyond", BEYOND)
    raised = await run(RaisedEcho, "raised", (*BEYOND, *MANY))
    locked = LOCKED.read_text(encoding="utf-8").partition("kosoku==")[2].split()[0]
    versions = {"Autobahn's cases by kosoku": locked, "websockets": version("websockets"), "uvloop": version("uvloop")}
    text = report.summary(production, beyond, raised, versions, f"{datetime.now(UTC):%Y-%m-%d}")
    print(text)
    PAGE.write_text(report.put(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    wrong = [outcome.case for outcome in (*production, *raised) if outcome.failed]
    wrong += [outcome.case for outcome in beyond if outcome.code != TOO_BIG]
    for case in wrong:
        print(f"{case} FAILED; see {FOLDER.name}/*/", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    install()
    sys.exit(uvloop.run(main(sys.argv[1:])))
