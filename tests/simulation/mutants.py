"""Every planted fault by its name, and the hunt for one of them."""

from dataclasses import dataclass
from itertools import chain, zip_longest

from .batch_faults import BATCHES
from .corners import CORNERS
from .looking_faults import LOOKING
from .planting import Edit, planted
from .policy_faults import POLICIES
from .sending_faults import SENDING
from .universe import draw
from .voyage import Voyage

MUTANTS: dict[str, tuple[Edit, ...]] = {**SENDING, **BATCHES, **LOOKING, **POLICIES}


# Where those show soonest that need an unlikely moment.
_SHOWN_BY = {
    "leaving has no cause": "signalled twice anywhere",
    "messages of two channels share a batch": "batches of several channels",
    "what has a reference of its own goes in a batch": "batches of shared references",
    "what was rejected before goes in a batch": "batches after an older attempt",
    "a batch goes out although the run stopped": "batches signalled anywhere",
    "a batch that is given up when draining is planned again": "batches signalled anywhere",
    "what the list does not show is accepted": "batches in every trouble",
    "leaving overhears the ledger": "signalled twice anywhere",
    "draining has no end": "signalled anywhere",
    "what is given up when draining is planned again": "signalled anywhere",
    "no threshold is looked at between waves": "in waves",
    "a signal does not end a pause": "in waves",
    "two looks are as far apart as our own clock says": "looked for by clocks that were set",
    "a clock that was wrong is trusted": "looked for by clocks that were set",
    "what is no list is an empty one": "looked for in a list that comes to grief",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """How a planted fault fared: `universes` until it was seen, and as what; None: it was not."""

    universes: int
    seen_as: str | None


def hunt(name: str, seeds: int) -> Hunt:
    """Plants one fault; plays so many seeds, then the universes made by hand, until something breaks.

    Those that are known to show it come first.
    """
    first = CORNERS[_SHOWN_BY[name]]() if name in _SHOWN_BY else ()
    in_turn = zip_longest(*(made() for made in CORNERS.values()))
    by_hand = (universe for each in in_turn for universe in each if universe is not None)
    number = 0
    with planted(MUTANTS[name]):
        for number, universe in enumerate(chain(first, map(draw, range(seeds)), by_hand), 1):
            if (fault := Voyage(universe).play().fault) is not None:
                return Hunt(universes=number, seen_as=fault)
    return Hunt(universes=number, seen_as=None)
