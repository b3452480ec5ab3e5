"""When each message goes at the pace of a send: a dry run of its clock, without waves' pauses or Bird's own delays.

Messages go in their order. Up to `concurrency` of them wait for a slow channel while later ones pass.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nlargest

from runner.model import BIRD_POSTS_PER_S, Channel, Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a send takes. `rate` is the workspace's, None where nothing limits it: then nothing here takes time.

    `channels` has each channel's own time by name, `workspaces` that of each workspace by id, `seconds` all of it.
    `bird_s` is the least that it can take at Bird's own default limit, whatever the pace. `concurrency` are in flight.
    """

    rate: Rate | None = None
    seconds: float = 0.0
    channels: Mapping[str, float] = field(default_factory=dict)
    channel_rates: Mapping[str, Rate] = field(default_factory=dict)
    workspaces: Mapping[str, float] = field(default_factory=dict)
    bird_s: float = 0.0
    concurrency: int = 1

    @property
    def replies_s(self) -> float | None:
        """As long as replies may take before they hold up the pace, not the rate: None without one."""
        return None if self.rate is None else self.concurrency / self.rate.per_second


@dataclass(slots=True)
class _Lane:
    """What goes through a channel or in a workspace, and from when to when. `busy_s`: when its pace is free again."""

    count: int = 0
    begins_s: float | None = None
    ends_s: float = 0.0
    busy_s: float = 0.0


def narrower(workspace: Rate, channel: Rate | None) -> Rate:
    """The pace that holds a channel up: its own, or the workspace's where that is slower."""
    return channel if channel is not None and channel.per_second < workspace.per_second else workspace


class Timetable:
    """Takes the channels of messages in the order in which they go. A run of one channel is one sum."""

    def __init__(self, rate: Rate | None, *, concurrency: int) -> None:
        self._rate = rate
        self._concurrency = concurrency
        self._channel: Channel | None = None
        self._start_s = self._step_s = 0.0  # of the run under way
        self._count = 0
        self._last: list[float] = []  # when the latest of all before it go, the very last first
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._workspaces: dict[str, _Lane] = {}
        self._counts: dict[str, int] = {}
        self._rates: dict[str, Rate] = {}
        self._totals: Counter[str] = Counter()  # by workspace

    def add(self, channel: Channel) -> float:
        """The next message; gives when it goes, in seconds from the start."""
        if channel is not self._channel:
            self._begin(channel)
        self._count += 1
        return self._start_s + (self._count - 1) * self._step_s

    def add_all(self, channel: Channel, count: int) -> None:
        """So many of them."""
        if count:
            self.add(channel)
            self._count += count - 1

    def pace(self) -> Pace:
        """Of all that was added."""
        self._end()
        bird_s = max(self._totals.values(), default=0) / BIRD_POSTS_PER_S
        if self._rate is None:
            return Pace(bird_s=bird_s, concurrency=self._concurrency)
        every_s = 1 / self._rate.per_second
        workspaces = {
            of: max(lane.ends_s - (lane.begins_s or 0.0), lane.count * every_s) for of, lane in self._workspaces.items()
        }
        ends = [lane.ends_s for lane in self._workspaces.values()]
        return Pace(
            rate=self._rate,
            seconds=max([*ends, *workspaces.values()], default=0.0),
            channels={name: count / self._rates[name].per_second for name, count in self._counts.items()},
            channel_rates=self._rates,
            workspaces=workspaces,
            bird_s=bird_s,
            concurrency=self._concurrency,
        )

    def _lanes_of(self, channel: Channel) -> tuple[_Lane, _Lane]:
        ids = (channel.workspace_id, channel.channel_id)
        return self._lanes.setdefault(ids, _Lane()), self._workspaces.setdefault(channel.workspace_id, _Lane())

    def _begin(self, channel: Channel) -> None:
        """A message is taken up when fewer than `concurrency` of those before it still wait for their pace."""
        self._end()
        self._channel = channel
        if self._rate is None:
            return
        self._rates[channel.name] = rate = narrower(self._rate, channel.rate)
        lane, workspace = self._lanes_of(channel)
        free_s = self._last[-1] if len(self._last) == self._concurrency else 0.0
        self._start_s = max(free_s, lane.ends_s, workspace.busy_s)
        self._step_s = 1 / rate.per_second

    def _end(self) -> None:
        """The run under way is over: what it leaves to the next one."""
        channel, count, start_s, step_s = self._channel, self._count, self._start_s, self._step_s
        self._channel, self._count = None, 0
        if channel is None:
            return
        self._totals[channel.workspace_id] += count
        if self._rate is None:
            return
        end_s = start_s + count * step_s
        own = (start_s + number * step_s for number in range(max(0, count - self._concurrency), count))
        self._last = nlargest(self._concurrency, (*self._last, *own))
        self._counts[channel.name] = self._counts.get(channel.name, 0) + count
        lane, workspace = self._lanes_of(channel)
        for each in (lane, workspace):
            each.count += count
            each.begins_s = start_s if each.begins_s is None else min(each.begins_s, start_s)
            each.ends_s = max(each.ends_s, end_s)
        if channel.rate is None or self._rates[channel.name] is self._rate:
            workspace.busy_s = end_s  # a slower channel leaves the rest of the workspace's pace to others
