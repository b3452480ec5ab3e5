"""Two versions of a manifest, each planned by the same code without a ledger."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.errors import UsageError
from runner.findings import Finding, Findings, Severity, Source
from runner.manifest.build import Manifest, is_library
from runner.model import Message
from runner.plan import Planner
from runner.plan.difference import ManifestDiff
from runner.project import Project
from runner.recipients.phones import mask
from runner.scratch import Kept

from . import Order, gathered
from .differences import Side, compared, written
from .faults import Faults
from .loading import LARGEST_MANIFEST, Inputs, Loaded
from .prepare import prepare
from .pricing import rate_card

MISTAKES_SHOWN = 3


@dataclass(slots=True, kw_only=True)
class _Counting:
    """Where a plan's messages go: counted by address, and held against the other side's."""

    side: Side
    other: Kept | None

    def add(self, message: Message) -> None:
        who = f"{message.draft}\0{message.address}"
        if self.side.kept.first(who, "") is None:
            self.side.counts[message.draft] += 1
            self.side.same[message.draft] += self.other is not None and who in self.other


@dataclass(slots=True, kw_only=True)
class Comparison:
    """Two folders with a repository, and what the operator gives for both. `given`: what of it some manifest takes.

    Without `plans` it compares what is written alone, and nobody is counted. `found` are the findings of `after`, and
    `sources` the files that they are in; `read` is all that the manifests of `after` need.
    """

    before: Path
    after: Path
    inputs: Inputs
    plans: bool = True
    given: set[str] = field(default_factory=set)
    found: list[Finding] = field(default_factory=list)
    sources: dict[str, Callable[[], Source]] = field(default_factory=dict)
    read: list[Path] = field(default_factory=list)

    def of(self, path: str) -> ManifestDiff | None:
        """What changed in one manifest; None where it is a library on both sides."""
        before = self._side(self.before, path, None)
        after = self._side(self.after, path, before.kept if before is not None else None)
        try:
            return compared(path, before, after) if before is not None or after is not None else None
        finally:
            for side in (before, after):
                if side is not None:
                    side.kept.close()

    def _side(self, root: Path, path: str, other: Kept | None) -> Side | None:
        """None where there is no such manifest, or a library."""
        file = root / path
        if file.resolve() != root.resolve() / path or not file.is_file():  # a link may lead anywhere
            return None
        with file.open("rb") as opened:
            source = opened.read(LARGEST_MANIFEST + 1)
        order = Order(path=file, source=source, project=Project(root=root, working=root), is_strict=False)
        bare = order.load(Findings())
        if bare.document is not None and is_library(bare.document):
            return None
        order = replace(order, inputs=self._narrowed(bare.manifest))
        return self._drawn(order, other)

    def _narrowed(self, manifest: Manifest | None) -> Inputs:
        """What this manifest declares, of what is given for all of them."""
        if manifest is None:
            return Inputs(parameters=self.inputs.parameters, for_many=True)
        sets = [(name, value) for name, value in self.inputs.sets if name in manifest.parameters.values]
        lists = {name: path for name, path in self.inputs.recipients.items() if name in manifest.list_documents}
        self.given |= {f"--set {name}" for name, _ in sets} | {f"--recipients {name}" for name in lists}
        return Inputs(parameters=self.inputs.parameters, sets=sets, recipients=lists, for_many=True)

    def _drawn(self, order: Order, other: Kept | None) -> Side:
        findings, side = Findings(), Side()
        try:
            loaded = order.load(findings)
            if loaded.manifest is not None:
                self._fill(side, order, loaded, findings, other)
            if order.project.root == self.after:
                self.found += findings.sorted()
                self.sources |= loaded.sources
                self.read += loaded.to_read()
        except UsageError as wrong:
            side.mistakes = (wrong.message,)
        _judge(side, findings)
        return side

    def _fill(self, side: Side, order: Order, loaded: Loaded, findings: Findings, other: Kept | None) -> None:
        manifest = loaded.manifest
        assert manifest is not None  # noqa: S101 - the caller looked
        _describe(side, manifest)
        if self.plans:
            _plan(side, order, loaded, findings, _Counting(side=side, other=other))
            given = set(loaded.parameter_files)  # the same for both sides, but seen from each they have another name
            side.inputs = {name: digest for name, digest in loaded.inputs.items() if name not in given}
        else:
            for draft in manifest.drafts:  # compiled, an expression has read what it includes
                prepare(draft, manifest, loaded.language, Faults(Findings()))
        shown = {order.project.shown(Path(name)) for name, _ in order.inputs.parameters}
        for name in loaded.sources.keys() - loaded.files.keys() - shown:
            side.included[name] = tuple(loaded.sources[name]().lines)


def _judge(side: Side, findings: Findings) -> None:
    """A version with mistakes has no digest: of a part of the requests it would say nothing."""
    errors = [finding for finding in findings.sorted() if finding.severity is Severity.ERROR]
    side.mistakes += tuple(f"{each.place.path}:{each.place.line}: {each.message}" for each in errors[:MISTAKES_SHOWN])
    if len(errors) > MISTAKES_SHOWN:
        side.mistakes += (f"{len(errors) - MISTAKES_SHOWN:,} more",)
    if side.mistakes or side.not_checked:
        side.digest = None


def _describe(side: Side, manifest: Manifest) -> None:
    declared = manifest.document.data.get("messages")
    messages = declared if isinstance(declared, dict) else {}
    side.name, side.edition, side.policy = manifest.name, manifest.edition, manifest.policy.written
    side.drafts = {name: tuple(written(message)) for name, message in messages.items()}
    side.channels = manifest.channels
    side.used = frozenset(draft.channel.name for draft in (*manifest.drafts, *manifest.unsound))


def _plan(side: Side, order: Order, loaded: Loaded, findings: Findings, counting: _Counting) -> None:
    """As `plan` does, but no time is judged: an old send is compared as well as a new one."""
    manifest = loaded.manifest
    if manifest is None:
        return
    card = rate_card(loaded, findings)
    planner = Planner(
        spool=counting,
        drafts=[draft.name for draft in manifest.drafts],
        mask=mask,
        on_scheduled=lambda _item: None,
    )
    planner.take_all(gathered(loaded, order, findings, side.not_checked, card))
    plan = planner.finish(manifest.policy, currency=card.currency if card is not None else None)
    side.digest, side.tallies, side.currency = plan.digest, plan.messages, plan.currency
