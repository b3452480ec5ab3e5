"""The policy's rate card, and what each message costs by it."""

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import NamedTuple

from runner.bird.requests import carries_media
from runner.files import FileFault, open_below
from runner.findings import Findings
from runner.model import Draft
from runner.prices import Kind, RateCard, plain_product
from runner.recipients.rate_card import SUFFIXES, read_rate_card

from .listfiles import sha256_of
from .loading import Loaded, shown_below


class Priced(NamedTuple):
    """`cost` is a plain decimal, None where `unpriced` says what there is no price for (`FR`, `FR by MMS`, `email`)."""

    cost: str | None = None
    currency: str | None = None
    unpriced: str = ""


UNASKED = Priced()  # without a rate card nothing has a cost, and nothing lacks a price
Pricer = Callable[[str | None, str | None, int], Priced]


def unasked(_number: str | None, _country: str | None, _segments: int) -> Priced:
    """The pricer where there is no rate card."""
    return UNASKED


def rate_card(loaded: Loaded, findings: Findings) -> RateCard | None:
    """What `policy.prices` names; None without it. What is wrong with it is in the findings."""
    manifest = loaded.manifest
    if manifest is None or manifest.prices is None:
        return None
    written, origin = manifest.prices
    loaded.asked.add(origin.document.path.parent / written)
    suffix = PurePath(written).suffix
    if suffix.lower() not in SUFFIXES:
        hint = "save it as .csv, with the columns country or prefix, channel, price, currency"
        findings.error("POL821", f'"{written}" is no rate card: that is a .csv file', origin.place(), hint=hint)
        return None
    try:
        with open_below(loaded.project.root, origin.document.path.parent, written, loaded.project.real) as file:
            real = Path(file.name)
            shown = shown_below(loaded.project, real)
            loaded.inputs[loaded.project.named(real) or real.name] = sha256_of(file)
            return read_rate_card(file, suffix=suffix, shown=shown, findings=findings)
    except FileFault as fault:
        hint = fault.hint or "correct the path, or remove prices: without them segments alone are counted"
        findings.error("POL821", fault.message, origin.place(), hint=hint)
    return None


def pricer(draft: Draft, card: RateCard | None) -> Pricer:
    """What prices a draft's messages: called with the number, the country and the segments of each."""
    if card is None:
        return unasked
    kind, platform = kind_of(draft), draft.channel.platform
    if kind is None:
        return lambda _number, _country, _segments: Priced(unpriced=platform)
    price_of, currency, is_sms = card.price, card.currency, kind == "sms"

    def priced(number: str | None, country: str | None, segments: int) -> Priced:
        price = price_of(kind, country=country, number=number)
        if price is None:
            return Priced(unpriced=_called(country, kind))
        return Priced(plain_product(price, segments if is_sms else 1), currency)

    return priced


def kind_of(draft: Draft) -> Kind | None:
    """What a message is billed as: a text or a template as SMS, with media as one MMS; None on other platforms."""
    if draft.channel.platform != "sms":
        return None
    return "mms" if carries_media(draft.fields) else "sms"


def _called(country: str | None, kind: Kind) -> str:
    where = country or "numbers that Bird alone knows"
    return where if kind == "sms" else f"{where} by MMS"
