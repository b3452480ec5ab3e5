"""Who may come in, and how often: the access key and the workspace's limits."""

import hmac

from .clock import Clock
from .limits import Limits, Window
from .replies import Reply, request_error

_SCHEME = "AccessKey "


class Door:
    """Refuses requests without a key, or with another than `access_key` where one is demanded; keeps none."""

    def __init__(self, *, access_key: str | None, limits: Limits, clock: Clock) -> None:
        self._access_key = access_key
        self._limits = limits
        self._clock = clock
        self._windows = {"POST": Window(limits.post_per_s), "GET": Window(limits.get_per_s)}

    def refuse(self, authorization: str | None) -> Reply | None:
        given = (authorization or "").removeprefix(_SCHEME).strip()
        if not (authorization or "").startswith(_SCHEME) or not given:
            return request_error(401, "the header Authorization: AccessKey <access-key> is missing")
        if self._access_key is not None and not _is_same(given, self._access_key):
            return request_error(401, "the access key is not one of this workspace")
        return None

    def throttle(self, method: str, workspace_id: str) -> Reply | None:
        if self._windows[method].admits(workspace_id, self._clock.monotonic_s()):
            return None
        retry_after = self._limits.retry_after
        return request_error(
            429,
            f"too many {method} requests in this workspace",
            headers={} if retry_after is None else {"Retry-After": retry_after},
        )


def _is_same(given: str, demanded: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), demanded.encode("utf-8"))
