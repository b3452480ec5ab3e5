"""Whether a template may be used: they "must be active before they are used" (Bird, "Sending SMS messages")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.bird.channels import TemplateSeen
from runner.errors import Exit
from runner.model import Check

LATEST = "latest"
ACTIVE = "active"
MOST_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateNeed:
    """A template as requests name it; what a request leaves out is None. `message` is the first that uses it."""

    message: str
    workspace_id: str
    project_id: str | None
    version: str | None
    locale: str | None

    @property
    def name(self) -> str:
        version = f"version {_short(self.version)}" if self.version else ""
        parts = [_short(self.project_id) if self.project_id else "without a projectId", version, self.locale or ""]
        return f"template of {self.message} ({', '.join(part for part in parts if part)})"


def judged_template(need: TemplateNeed, seen: Sequence[TemplateSeen]) -> Check:
    """Only what Bird says for sure is a fail: its words for what is neither active nor not are not known."""
    if not seen:
        return _missing(need, "the project has no template")
    if need.version is None:
        return _unknown(need, "the message names no version")
    if need.version.lower() != LATEST:
        version = [each for each in seen if (each.version or "").lower() == need.version.lower()]
        if version:
            return _of_version(need, version[0])
        return _missing(need, f"the project has no such version, only {_listed(each.version for each in seen)}")
    active = [each for each in seen if each.status == ACTIVE]
    if active:
        checks = [_of_version(need, each) for each in active]
        return min(checks, key=lambda check: ("pass", "unknown", "fail").index(check.status))
    if any(each.status is None for each in seen):
        return _unknown(need, "Bird does not say of every version whether it is active")
    return _missing(need, f"no version is active, only {_listed(each.status for each in seen)}")


def _of_version(need: TemplateNeed, seen: TemplateSeen) -> Check:
    if seen.status is None:
        return _unknown(need, "Bird does not say whether it is active")
    if seen.status != ACTIVE:
        return _missing(need, f'its status is "{seen.status}", not "{ACTIVE}"', "activate it in Bird's Studio")
    if need.locale is None:
        return Check(status="pass", name=need.name, found=ACTIVE)
    return _of_locale(need, need.locale, seen)


def _of_locale(need: TemplateNeed, wanted: str, seen: TemplateSeen) -> Check:
    """A locale that stands there as another spelling or a wider one may do: Bird's rule for that is not known."""
    locales = {_spelling(name): status for name, status in seen.locales.items()}
    status = locales.get(_spelling(wanted))
    if status == ACTIVE or (not locales and _spelling(seen.default_locale or "") == _spelling(wanted)):
        return Check(status="pass", name=need.name, found=f"{ACTIVE}, with locale {wanted}")
    if status is not None:
        return _missing(need, f'its locale {wanted} is "{status}", not "{ACTIVE}"', "activate it in Bird's Studio")
    if not locales:
        return _unknown(need, f"Bird does not say whether it has the locale {wanted}")
    if _spelling(wanted).partition("-")[0] in {name.partition("-")[0] for name in locales}:
        return _unknown(need, f"it has no locale {wanted}, but {_listed(seen.locales)}: Bird may take that")
    return _missing(need, f"it has no locale {wanted}, only {_listed(seen.locales)}", "add the locale in Bird's Studio")


def _missing(
    need: TemplateNeed, found: str, advice: str = "make it in Bird's Studio, or correct the manifest"
) -> Check:
    return Check(status="fail", name=need.name, found=found, advice=advice, exit_code=Exit.REFUSED)


def _unknown(need: TemplateNeed, found: str) -> Check:
    return Check(status="unknown", name=need.name, found=found)


def _short(name: str) -> str:
    """Of a UUID its first part: it is for people, beside the manifest."""
    return name if len(name) < 36 else f"{name[:8]}…"


def _spelling(locale: str) -> str:
    return locale.replace("_", "-").lower()


def _listed(names: Iterable[str | None]) -> str:
    known = sorted({name or "?" for name in names})
    more = len(known) - MOST_SHOWN
    return ", ".join(known[:MOST_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
