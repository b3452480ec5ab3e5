"""What the doctor sees with a key: the key, what it may do, a manifest's channels and templates, the time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from runner.bird.requests import DEFAULT_API_URL, AccessKey, carries_media, parse_api_url
from runner.delivery.preflight import Need
from runner.errors import FlypastError
from runner.findings import Findings
from runner.manifest.build import Manifest
from runner.model import Check
from runner.pipeline.wanted import Looked, Templates, Wanted

from .access import access_key
from .online import look
from .orders import inputs_of, order_of

WARN_SKEW_S = 30.0
MOST_SKEW_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What the doctor is asked about; `manifest` None: the machine alone."""

    manifest: Path | None
    parameter_files: Sequence[Path]
    sets: Sequence[tuple[str, str]]
    key_file: Path | None
    api_url: str | None


def online_checks(patient: Patient, environment: Mapping[str, str]) -> Iterator[Check]:
    """The network is used only where there are a key, of the right kind, and a manifest with channels."""
    if patient.key_file is None and not environment.get("BIRD_ACCESS_KEY", "").strip():
        yield Check("warn", "access key", "none", "a real send needs BIRD_ACCESS_KEY or --access-key-file")
        yield from _manifest_checks(patient, None)
        return
    try:
        key = access_key(environment, patient.key_file)
        api = parse_api_url(patient.api_url) if patient.api_url else DEFAULT_API_URL
    except FlypastError as wrong:
        yield Check("fail", "access key", wrong.message, wrong.hint or "")
        return
    if key.other_product:
        advice = "the Channels API takes an access key that is made in Bird's own settings"
        yield Check("fail", "access key", f"this is {key.other_product}: it was not tried", advice)
        return
    if patient.manifest is None:
        where = "BIRD_ACCESS_KEY is set" if patient.key_file is None else f"read from {patient.key_file}"
        yield Check("pass", "access key", f"{where} (not tried: name a manifest, and its channels are looked up)")
        return
    yield from _manifest_checks(patient, (key, api))


def _manifest_checks(patient: Patient, online: tuple[AccessKey, str] | None) -> Iterator[Check]:
    if patient.manifest is None:
        return
    found = Findings()
    try:
        order = order_of(patient.manifest, inputs_of(patient.parameter_files, patient.sets, ()), is_strict=False)
        manifest = order.load(found).manifest
    except FlypastError as wrong:
        yield Check("fail", "manifest", wrong.message, wrong.hint or "")
        return
    if manifest is None or found.has_errors:
        why = "it has findings" if found.has_errors else "it has no messages: it is a library for others to include"
        yield Check("fail", "manifest", why, f"see them with: flypast validate {patient.manifest}")
        return
    if manifest.unsound or not manifest.channels:
        words = f"{len(manifest.unsound):,} of its messages go through a channel whose ids are not known"
        yield Check("warn", "manifest", words, "give the parameters they are made of: --parameters FILE")
    if online is not None and manifest.channels:
        key, api = online
        yield from _looked(manifest, look(_wanted(manifest), api, key), api, patient.manifest)


def _wanted(manifest: Manifest) -> Wanted:
    """As if every message had somebody to go to."""
    needs = []
    for channel in manifest.channels.values():
        drafts = [draft for draft in manifest.drafts if draft.channel == channel]
        has_media = any(carries_media(draft.fields) for draft in drafts)
        needs.append(Need(channel=channel, count=len(drafts), has_media=has_media))
    return Wanted(channels=needs, templates=Templates(manifest.drafts).needs)


def _looked(manifest: Manifest, looked: Looked, api: str, path: Path) -> Iterator[Check]:
    host = urlsplit(api).netloc
    if 401 in looked.statuses:
        yield Check("fail", "access key", f"{host} refuses it", "look at the key: it may be another product's, or gone")
    elif looked.statuses:
        yield Check("pass", "access key", f"{host} takes it")
    if 403 in looked.statuses:
        advice = "let the key view /workspaces/*/channels/* (an access policy in Bird)"
        yield Check("warn", "permission", "the key may not view every channel", advice)
    elif 200 in looked.statuses:
        yield Check("pass", "permission", "the key may view channels; whether it may send, only a send shows")
    yield from looked.checks
    for name in Templates(manifest.drafts).rendered:
        advice = f"flypast plan {path} --online looks it up"
        yield Check("unknown", f"template of {name}", "it is rendered for each person", advice)
    yield _clock(looked.ahead_s)


def _clock(ahead_s: float | None) -> Check:
    if ahead_s is None:
        return Check("unknown", "clock", "Bird did not tell its time")
    off_s = abs(ahead_s)
    words = f"{off_s:.0f} s {'behind' if ahead_s > 0 else 'ahead of'} Bird's"
    advice = "set this machine's clock right: scheduledFor and reconcile go by it"
    if off_s >= MOST_SKEW_S:
        return Check("fail", "clock", words, advice)
    if off_s >= WARN_SKEW_S:
        return Check("warn", "clock", words, advice)
    return Check("pass", "clock", f"at most {max(1, round(off_s))} s off Bird's")
