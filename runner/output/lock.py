"""Where a plan stands in `flypast.lock`, as outputs say it."""

from dataclasses import dataclass
from typing import Any

from runner.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """`state` is `reviewed`, `stale`, `absent` or `unreadable`; `moved` are inputs that changed since."""

    state: str
    words: str = ""
    moved: tuple[str, ...] = ()

    def has_a_say(self, policy: Policy) -> bool:
        """Not where nobody locks this manifest and nothing wants it locked."""
        return self.state != "absent" or policy.is_lock_required

    def json(self, policy: Policy) -> dict[str, Any]:
        """The key `lock`, where it has a say."""
        return {"lock": {"state": self.state, "moved": list(self.moved)}} if self.has_a_say(policy) else {}
