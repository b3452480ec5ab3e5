"""How much a tally is, in segments and money. What may be more says "at least"."""

from decimal import Decimal
from typing import Any

from runner.plan import Tally
from runner.prices import money, plain

from .words import number


def size_of(tally: Tally, currency: str | None) -> str:
    """` (1,391 segments, about 11.48 USD)`; empty where there is neither. `currency` is that of the rate card."""
    parts = [segments_of(tally)] if tally.segments else []
    if currency is not None and tally.new:
        parts.append(cost_of(tally, currency))
    return f" ({', '.join(parts)})" if parts else ""


def segments_of(tally: Tally) -> str:
    """A template is one segment at least."""
    words = number(tally.segments, "segment")
    return f"at least {words}" if tally.templates else words


def cost_of(tally: Tally, currency: str) -> str:
    """About, because Bird's bill decides; at least, where something has no price or is a template."""
    if tally.unpriced.total() == tally.new:
        return "no price known"
    return f"{'at least' if tally.costs_at_least else 'about'} {money(tally.cost, currency)}"


def cost_json(tally: Tally, currency: str | None) -> dict[str, Any]:
    """The key `cost`, where there is a rate card. Amounts are decimals as text, exact."""
    if currency is None:
        return {}
    costs = {country: plain(amount) for country, amount in sorted(tally.costs.items())}
    return {
        "cost": {
            "amount": plain(tally.cost),
            "currency": currency,
            "isAtLeast": tally.costs_at_least,
            "countries": costs,
            "unpriced": dict(sorted(tally.unpriced.items())),
        }
    }


def listed_costs(costs: dict[str, Decimal], currency: str) -> str:
    """`US 9.90, CA 1.58 USD`: the largest first."""
    ranked = sorted(costs.items(), key=lambda item: (-item[1], item[0]))
    return f"{', '.join(f'{name} {money(amount, currency).split()[0]}' for name, amount in ranked)} {currency}"


def run_cost_json(*, accepted: Decimal, in_doubt: Decimal, currency: str, is_at_least: bool) -> dict[str, Any]:
    """What a run cost; in doubt only if it went out."""
    return {
        "accepted": plain(accepted),
        "inDoubt": plain(in_doubt),
        "currency": currency,
        "isAtLeast": is_at_least,
    }


def run_cost(*, accepted: Decimal, in_doubt: Decimal, currency: str, is_at_least: bool) -> str:
    """`Cost: about 11.48 USD for what was accepted`, and what is in doubt."""
    words = f"Cost: {'at least' if is_at_least else 'about'} {money(accepted, currency)} for what was accepted"
    return f"{words}, and {money(in_doubt, currency)} for what is in doubt if it went out" if in_doubt else words
