"""The request limits of a workspace: so many in any one second."""

from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Requests per second and workspace; Bird's defaults. None lifts a limit.

    `retry_after` is the `Retry-After` header of a 429, as written; Bird documents none.
    """

    post_per_s: int | None = 500
    get_per_s: int | None = 50
    retry_after: str | None = None


class Window:
    """Lets `per_s` requests through in any second, per workspace. A refused request counts for nothing."""

    def __init__(self, per_s: int | None) -> None:
        self._per_s = per_s
        self._let_through_s: defaultdict[str, deque[float]] = defaultdict(deque)

    def admits(self, workspace_id: str, now_s: float) -> bool:
        if self._per_s is None:
            return True
        recent = self._let_through_s[workspace_id.lower()]
        while recent and recent[0] <= now_s - 1.0:
            recent.popleft()
        if len(recent) >= self._per_s:
            return False
        recent.append(now_s)
        return True
