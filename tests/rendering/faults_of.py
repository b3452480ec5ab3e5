"""The fault that something must give: for tests that look at its words."""

from collections.abc import Callable

import pytest

from runner.rendering.faults import ExpressionFault


def fault_of(work: Callable[[], object]) -> ExpressionFault:
    with pytest.raises(ExpressionFault) as caught:
        work()
    return caught.value
