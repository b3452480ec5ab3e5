"""A report from PostgreSQL is, byte for byte, the one from a SQLite file that holds the same."""

from pathlib import Path

from runner.ledger.seam import Ledger
from runner.ledger.sqlite import create
from runner.model import State
from tests.conftest import Project
from tests.ledger.conformance import T0, T1, intent, seen, settled

from .ledgers import ORIGIN, make, opened

KINDS = ("text", "html", "json", "csv", "junit", "markdown")


def fill(ledger: Ledger) -> None:
    """Names that sort otherwise in most languages, and more rows than a page holds."""
    for manifest in ("Zeta", "alpha", "Ämter"):
        claim = ledger.claim(manifest, run=f"run of {manifest}", at=T0)
        keys = [f"{manifest}{number:04}" for number in range(600)]
        claim.commit([], [intent(key, message=("b", "B", "ä")[number % 3]) for number, key in enumerate(keys)])
        ends = [State.ACCEPTED if number % 7 else State.REJECTED for number in range(len(keys))]
        claim.commit([settled(key, state, at=T1) for key, state in zip(keys, ends, strict=True)], [])
        words = ("delivered", "delivery_failed", "skipped", "deleted")  # all of them last ones: nothing is to be asked
        claim.track({key: seen(f"id-{key}", words[number % 4], code="15005") for number, key in enumerate(keys)})
        claim.release()


def test_both_stores_give_the_same_report(project: Project, url: str, tmp_path: Path) -> None:
    make(url, name="acme")
    with opened(url) as ledger:
        fill(ledger)
    path = tmp_path / "ledger.db"
    file = create(path, origin=ORIGIN, name="acme", at=T0)
    fill(file)
    file.close()
    for store, where in (("postgres", url), ("sqlite", f"sqlite:///{path}")):
        reports = [f"--report={kind}={store}/{kind}" for kind in KINDS]
        ran = project.run("report", "--ledger", where, *reports)
        assert ran.code == 0, ran.err
    for kind in KINDS:
        assert (project.path / "postgres" / kind).read_bytes() == (project.path / "sqlite" / kind).read_bytes(), kind
