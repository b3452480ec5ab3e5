"""What a ledger tells of all sends: counted in one pass over its rows, in memory that does not grow with them."""

from .collecting import collect
from .facts import COUNTED, Doubts, Facts, Failure, Group, Run, Standing, Undelivered

__all__ = ["COUNTED", "Doubts", "Facts", "Failure", "Group", "Run", "Standing", "Undelivered", "collect"]
