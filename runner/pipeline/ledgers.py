"""Which ledger a run uses, and the guards around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bird.requests import DEFAULT_API_URL, api_origin, is_loopback, parse_api_url
from runner.errors import Refused
from runner.ledger.places import FilePlace, Place, default_ledger, parse_ledger_url
from runner.ledger.seam import Ledger

if TYPE_CHECKING:
    from runner.ledger.runs import Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChoice:
    """The ledger's place, and the API it has to be for. `api_url` is None where nobody named one."""

    place: Place
    api_url: str | None
    is_default: bool

    @classmethod
    def of(cls, url: str | None, api_url: str | None, near: Path) -> "LedgerChoice":
        """`near` is the manifest, or the working directory. Raises UsageError."""
        api = parse_api_url(api_url) if api_url is not None else None
        if url is not None:
            return cls(place=parse_ledger_url(url), api_url=api, is_default=False)
        path = default_ledger(near, is_loopback=bool(api and is_loopback(api)))
        return cls(place=FilePlace(path), api_url=api, is_default=True)

    @property
    def api(self) -> str:
        return self.api_url or DEFAULT_API_URL

    def open_to_read(self, *, is_judged: bool = True) -> Ledger | None:
        """None where there is no ledger yet. An API that somebody named must be the ledger's own (exit 4).

        `is_judged` False: what is wrong with it is left to `Ledger.check`.
        """
        origin = api_origin(self.api_url) if self.api_url else None
        return self.place.open(origin=origin, is_judged=is_judged)

    def open_existing(self, *, is_judged: bool = True) -> Ledger:
        """As `open_to_read`, where there must be one. Raises Refused."""
        ledger = self.open_to_read(is_judged=is_judged)
        if ledger is None:
            raise Refused(
                f"there is no ledger at {self.place.words}",
                hint="nothing was sent from here yet, or the ledger is elsewhere: name it with --ledger or --api-url",
            )
        return ledger

    def runs(self) -> "Runs | None":
        """The runs that workers carry; None where the ledger is one machine's own. The API as in `open_to_read`."""
        from runner.delivery.shards import keys_of  # noqa: PLC0415 - most commands have no run of workers to look at

        return self.place.runs(origin=api_origin(self.api_url) if self.api_url else None, keys_of=keys_of)


def is_ci(environment: Mapping[str, str]) -> bool:
    """`CI` set to anything but an explicit no."""
    return environment.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def guard_ci(environment: Mapping[str, str], place: Place, *, is_persisted: bool, policy_ledger: str | None) -> None:
    """In CI a ledger on disk is thrown away with the machine, unless somebody says that it stays."""
    if is_ci(environment) and not place.is_lasting and not is_persisted and policy_ledger is None:
        raise Refused(
            "this is CI, where a ledger on disk is usually lost with the machine: the next run would send all again",
            hint="where the disk stays, say so with --ledger-persisted or policy.ledger; "
            "a cache or an artifact is no ledger",
        )


def guard_secret(environment: Mapping[str, str], choice: LedgerChoice) -> None:
    """In CI an empty variable is a secret that is missing: the default ledger in its place would be an empty one."""
    if choice.is_default and is_ci(environment) and environment.get("FLYPAST_LEDGER") == "":
        raise Refused(
            "FLYPAST_LEDGER is set and empty, as a secret is that does not exist: nobody knows who got what",
            hint="give it the ledger's address, or name the ledger with --ledger",
        )


def guard_name(policy_ledger: str | None, ledger: Ledger | None, api: str) -> None:
    """`policy.ledger` names the ledger that must be used; APIs on loopback are exempt."""
    if policy_ledger is None or is_loopback(api):
        return
    if ledger is None or ledger.name != policy_ledger:
        found = (
            "there is none yet"
            if ledger is None
            else f"this one is called {ledger.name!r}"
            if ledger.name
            else "this one has no name"
        )
        raise Refused(
            f"policy.ledger wants the ledger {policy_ledger!r}: {found}",
            hint=f"name it with --ledger, or make it once with: flypast ledger init {policy_ledger}",
        )
