"""Every planted fault by its name, and the hunt for one of them."""

from dataclasses import dataclass
from itertools import chain, zip_longest

from .corners import CORNERS
from .looking_faults import LOOKING
from .planting import Edit, planted
from .policy_faults import POLICIES
from .sending_faults import SENDING
from .universe import draw
from .voyage import Voyage

MUTANTS: dict[str, tuple[Edit, ...]] = {**SENDING, **LOOKING, **POLICIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """How a planted fault fared: `universes` until it was seen, and as what; None: it was not."""

    universes: int
    seen_as: str | None


def hunt(name: str, seeds: int) -> Hunt:
    """Plants one fault; plays so many seeds, then the universes made by hand, until something breaks."""
    in_turn = zip_longest(*(made() for made in CORNERS.values()))
    by_hand = (universe for each in in_turn for universe in each if universe is not None)
    number = 0
    with planted(MUTANTS[name]):
        for number, universe in enumerate(chain(map(draw, range(seeds)), by_hand), 1):
            if (fault := Voyage(universe).play().fault) is not None:
                return Hunt(universes=number, seen_as=fault)
    return Hunt(universes=number, seen_as=None)
