"""Which files of a folder are manifests, and that none hides where nobody can look."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from runner.errors import UsageError
from runner.manifest.discover import discover, yaml_files

MANIFEST = "apiVersion: flypast/v1\nname: spring\n"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that every user may look into: those above pytest's own are closed to others."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("closed", ["shut", "shut.yaml"])
def test_what_can_not_be_looked_at_is_told_as_a_manifest_may_be_there(open_folder: Path, closed: str) -> None:
    (open_folder / "spring.yaml").write_text(MANIFEST)
    shut = open_folder / closed
    shut.write_text(MANIFEST) if shut.suffix else shut.mkdir()
    shut.chmod(0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)  # root may look at everything
    try:
        with pytest.raises(UsageError, match=f"{closed} can't be looked at, and a manifest may be there: Permission"):
            discover(open_folder)
        assert open_folder / "spring.yaml" in list(yaml_files(open_folder))
    finally:
        os.seteuid(me)
    (open_folder / ".gitignore").write_text(f"{closed}\n")
    assert discover(open_folder).manifests == (open_folder / "spring.yaml",)


def test_a_link_in_a_circle_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(MANIFEST)
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert discover(tmp_path).manifests == (tmp_path / "spring.yaml",)
