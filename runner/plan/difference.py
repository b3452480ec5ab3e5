"""What is different between two versions of a manifest, once both were planned."""

from dataclasses import dataclass

from .tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A key whose value is another; None where it is not there."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Distinct addresses that get a message now and did not, no more, and still."""

    added: int
    removed: int
    same: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A message, or an included file, as written: unified lines. None of them where it is the same."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDiff:
    """One message. `before` and `after` are None on a side that was not planned, and `people` where one was not."""

    name: str
    text: Text
    people: People | None
    before: Tally | None
    after: Tally | None
    is_new: bool
    is_gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDiff:
    """One manifest. `kind` is `added`, `removed`, `changed` or `same`; the digests are None where there is no plan.

    `mistakes` and `not_checked` say why not, with the side they are of: `before` or `after`.
    """

    path: str
    kind: str
    digests: tuple[str | None, str | None]
    facts: tuple[Change, ...]
    policy: tuple[Change, ...]
    channels: tuple[Change, ...]
    inputs: tuple[str, ...]
    messages: tuple[MessageDiff, ...]
    included: tuple[Text, ...]
    currencies: tuple[str | None, str | None]
    mistakes: tuple[tuple[str, str], ...]
    not_checked: tuple[tuple[str, str], ...]

    @property
    def is_broken_now(self) -> bool:
        return any(side == "after" for side, _ in self.mistakes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All manifests of a repository against `base`, a commit; `revision` is what somebody called it, or empty."""

    base: str
    revision: str
    manifests: tuple[ManifestDiff, ...]

    @property
    def changed(self) -> tuple[ManifestDiff, ...]:
        return tuple(made for made in self.manifests if made.kind != "same")

    @property
    def told(self) -> tuple[ManifestDiff, ...]:
        """Those that changed, and those that are broken now as they were then."""
        return tuple(made for made in self.manifests if made.kind != "same" or made.is_broken_now)

    @property
    def has_changes(self) -> bool:
        return bool(self.changed)

    @property
    def is_broken_now(self) -> bool:
        return any(made.is_broken_now for made in self.manifests)
