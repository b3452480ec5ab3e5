"""The access key: from the operator alone."""

from collections.abc import Mapping
from pathlib import Path

from runner.bird.requests import AccessKey
from runner.errors import Refused

LONGEST = 4096


def access_key(environment: Mapping[str, str], file: Path | None) -> AccessKey:
    """From `--access-key-file`, else BIRD_ACCESS_KEY. Raises Refused (exit 4) where there is none."""
    if file is None:
        given = environment.get("BIRD_ACCESS_KEY", "")
        if not given.strip():
            raise Refused(
                "there is no access key",
                hint="set BIRD_ACCESS_KEY, or name a file with --access-key-file; --dry-run and --sandbox need none",
            )
        return AccessKey(given)
    try:
        with file.open("rb") as opened:
            text = opened.read(LONGEST).decode("ascii", "replace")
    except OSError as error:
        raise Refused(f"the access key file can't be read: {error.strerror}", hint=f"look at {file}") from None
    return AccessKey(text)
