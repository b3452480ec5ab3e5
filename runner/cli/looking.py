"""A look at Bird's list while it lasts: how far it is, and a signal that ends it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from runner.delivery.scanning import Scanner
from runner.output.reconcile_text import progress

from .progress import saying
from .steering import told


@asynccontextmanager
async def shown(scanner: Scanner) -> AsyncIterator[None]:
    """Says every few seconds how far it is."""
    async with saying(lambda: progress(**asdict(scanner.progress))):
        yield


@asynccontextmanager
async def steered(scanner: Scanner) -> AsyncIterator[None]:
    """As `shown`; and the first signal ends the look, with what was seen until then. That leaves at once by itself."""
    with told(lambda _number: scanner.interrupt()):
        async with shown(scanner):
            yield
