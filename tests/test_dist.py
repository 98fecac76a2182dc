"""What is released: two archives that have everything, alike whenever they are built, and a wheel that serves."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import httpx
import pytest
from ticker import __version__

from tests.stage import KEY, PLAIN, free_port, short_directory
from tests.waiting import until_now

ROOT = Path(__file__).parent.parent
MOMENT = "1795000000"
PYTHON = [sys.executable, "-m"]


def build(source: Path, target: Path, *what: str) -> None:
    """Build as `make dist` does."""
    command = [*PYTHON, "hatchling", "build", "--directory", str(target), *what]
    environ = os.environ | {"SOURCE_DATE_EPOCH": MOMENT}
    done = subprocess.run(command, cwd=source, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both archives."""
    found = tmp_path_factory.mktemp("dist")
    build(ROOT, found)
    return found


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The wheel."""
    (found,) = dist.glob("*.whl")
    assert f"ticker-{__version__}-py3-none-any.whl" == found.name
    return found


def committed(*folders: str) -> set[str]:
    """The files of these folders, without what was made beside them."""
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}


def test_the_wheel_has_the_program_and_all_of_the_web_files(wheel: Path) -> None:
    """The widget as pages load it too; nothing of the tests, and no file that nobody wrote."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert committed("ticker") | {f"ticker/{name}" for name in committed("web")} == names
    assert any(re.fullmatch(r"ticker/web/widget/bundle/breaking-ticker-[\d.]+\.js", name) for name in names)


def test_the_version_stands_in_one_place_and_the_lock_has_every_dependency(wheel: Path) -> None:
    """What pip reads is what the program says; what it asks for is what was locked, and tested."""
    with zipfile.ZipFile(wheel) as archive:
        told = email.message_from_bytes(archive.read(f"ticker-{__version__}.dist-info/METADATA"))
    assert __version__ == told["Version"]
    assert [] == [
        str(file)
        for file in (ROOT / "pyproject.toml", ROOT / "Dockerfile")
        if f'"{__version__}"' in file.read_text(encoding="utf-8")
    ]
    locked = {
        name.lower() for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    }
    asked = {
        re.split(r"[\s<>=!;\[]", needed)[0].lower()
        for needed in told.get_all("Requires-Dist", [])
        if "extra ==" not in needed  # what is optional is not locked for everybody
    }
    assert asked
    assert set() == asked - locked


def test_the_sdist_builds_the_same_wheel_to_the_byte(dist: Path, wheel: Path, tmp_path: Path) -> None:
    """In another place, with other times on its files: so everything is in it, and nothing of where it was built."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    for path in source.rglob("*"):
        os.utime(path, (0, 1_000_000_000))
    assert committed("tests", "docs", "web") <= {str(path.relative_to(source)) for path in source.rglob("*")}
    build(source, tmp_path / "dist", "--target", "wheel")
    assert wheel.read_bytes() == (tmp_path / "dist" / wheel.name).read_bytes()


def test_the_wheel_serves_without_its_checkout(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment: its own files, and of ours only the packages that are locked; nothing is fetched."""
    place = tmp_path / "venv"
    subprocess.run([*PYTHON, "venv", "--without-pip", str(place)], check=True, timeout=60)
    python = place / "bin" / "python"
    install = [*PYTHON, "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, timeout=60)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = str(place / "bin" / "ticker")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert f"ticker {__version__}\n" == told.stdout

    def answers() -> bool:
        try:
            return httpx.get(url + "/health/ready", **PLAIN).status_code == 200
        except httpx.TransportError:
            return False

    with short_directory() as data, (tmp_path / "said").open("wb") as said:
        command = [program, "serve", "--port", str(port), "--data", str(data)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environ | {"TICKER_BOOTSTRAP_KEY": KEY}, stdout=said, stderr=said
        )
        try:
            until_now(answers, "the wheel to serve", 30)
            for path in ("/", "/desk", "/embed/en", "/docs", "/push/v1/subscribe.js"):
                assert 200 == httpx.get(url + path, **PLAIN).status_code, path
            widget = httpx.get(url + "/widget/v1/breaking-ticker.js", follow_redirects=True, **PLAIN)
            assert (200, True) == (widget.status_code, len(widget.content) > 10_000)
            with zipfile.ZipFile(wheel) as archive:
                built = [archive.read(name) for name in archive.namelist() if "/widget/bundle/breaking-ticker-" in name]
            assert widget.content in built
        finally:
            process.terminate()
            assert 0 == process.wait(20)
