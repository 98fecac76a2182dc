"""The versions of the widget's file."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path

import pytest
from ticker.releases import WEB, Release, Releases


def test_a_release_is_named_by_its_version_and_its_bytes() -> None:
    """Other bytes have another address, so what lies at one never changes."""
    one, same, other = (Release.of("1.2.3", body) for body in (b"one", b"one", b"other"))
    assert one == same
    assert one.name != other.name
    assert "/widget/1.2.3-7692c3ad35/breaking-ticker.js" == one.path


def test_the_hash_is_the_one_that_browsers_check() -> None:
    """SHA-384 in base 64, as Subresource Integrity has it; and who takes gzip is given the same bytes."""
    release = Release.of("1.0.0", b"text")
    assert "sha384-" + base64.b64encode(hashlib.sha384(b"text").digest()).decode() == release.integrity
    assert b"text" == gzip.decompress(release.packed)


def test_the_newest_is_the_one_with_the_highest_number(tmp_path: Path) -> None:
    """Not the last in the alphabet; and what is no release is passed over."""
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        (tmp_path / f"breaking-ticker-{version}.js").write_text(version)
    for name in ("breaking-ticker-1.js", "element.d.ts", "breaking-ticker-1.11.0.js.map"):
        (tmp_path / name).write_text("no release")
    releases = Releases(tmp_path)
    assert ["1.2.0", "1.9.0", "1.10.0"] == [release.version for release in releases.all]
    assert b"1.10.0" == releases.newest.body
    assert releases.newest is releases.get(releases.newest.name)
    assert None is releases.get("1.10.0")


def test_the_newest_is_the_one_that_the_package_says() -> None:
    """For npm and for pages it is one version, and one file."""
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    version = Releases().newest.version
    assert version == package["version"]
    assert f"./widget/bundle/breaking-ticker-{version}.js" == package["exports"]["."]["default"]


@pytest.mark.parametrize("name", ["exports", "files"])
def test_what_the_package_names_is_there(name: str) -> None:
    """Every file that it exports or ships."""
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    named = (
        package["files"] if name == "files" else [path for way in package["exports"].values() for path in way.values()]
    )
    assert [] == [path for path in named if not list(WEB.glob(path.removeprefix("./")))]
