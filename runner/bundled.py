"""Where the files that ship with flypast are: inside the wheel, or beside the package in a checkout."""

from pathlib import Path

from .errors import FlypastError


def bundled(folder: str) -> Path:
    """The folder `schemas` or `examples`. An editable install doesn't copy them, hence the second place."""
    here = Path(__file__).resolve().parent
    for candidate in (here / "bundled" / folder, here.parent / folder):
        if candidate.is_dir():
            return candidate
    raise FlypastError(f"flypast is not installed whole: its folder {folder!r} is missing", hint="install it again")
