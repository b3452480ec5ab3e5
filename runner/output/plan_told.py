"""A plan with all that is said of it, in each of the forms that a plan has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.model import Check, Policy
from runner.plan import Plan
from runner.plan.difference import Difference

from .formats import written
from .formats.found import Found
from .lock import Lock
from .neutral import json_text
from .plan_json import plan_json
from .plan_markdown import plan_markdown
from .plan_text import plan_text
from .sheet import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTold:
    """`refusals` say why `send` would not go on; `online` is what was looked up, None where nothing was to be.

    `change` is what is written otherwise than at the merge base; None where nobody looked, and `unseen` where that
    could not be, in words.
    """

    plan: Plan
    name: str
    edition: str
    gone: Mapping[str, int]
    not_checked: Sequence[str]
    refusals: Sequence[str]
    policy: Policy
    lock: Lock
    inputs: Mapping[str, str]
    online: Sequence[Check] | None = None
    change: Difference | None = None
    unseen: str = ""

    def text(self, sheet: Sheet) -> str:
        return plan_text(
            self.plan,
            name=self.name,
            edition=self.edition,
            gone=self.gone,
            not_checked=self.not_checked,
            refusals=self.refusals,
            online=self.online,
            policy=self.policy,
            lock=self.lock,
            sheet=sheet,
        )

    def json(self, found: Found) -> str:
        value = plan_json(
            self.plan,
            name=self.name,
            edition=self.edition,
            gone=dict(self.gone),
            not_checked=self.not_checked,
            refusals=self.refusals,
            online=self.online,
            policy=self.policy,
            lock=self.lock,
            inputs=self.inputs,
            findings=found.findings,
            files=1,
            ignored=found.ignored,
        )
        return json_text(value, indent=2)

    def markdown(self, found: Found, *, result: Sequence[str] = ()) -> str:
        """`result` are lines about a run that is over."""
        return plan_markdown(
            self.plan,
            name=self.name,
            edition=self.edition,
            gone=self.gone,
            not_checked=[*self.not_checked, *([self.unseen] if self.unseen else [])],
            refusals=self.refusals,
            online=self.online,
            policy=self.policy,
            lock=self.lock,
            change=self.change,
            found=found,
            result=result,
        )

    def written(self, kind: str, found: Found) -> str:
        """The plan as text, JSON or Markdown, else its findings."""
        if kind == "text":
            return self.text(Sheet())
        if kind == "json":
            return self.json(found)
        return self.markdown(found) if kind == "markdown" else written(found, kind)
