"""A ledger in a managed database, made as docs/postgresql.md says."""

import re
from urllib.parse import quote

from tests.conftest import Project
from tests.postgres.server import Server

from .machine import ROOT

USER = "careful"  # the server wants a password of this one
PASSWORD = "h:nter/2@e%?#"
STEPS = (ROOT / "docs" / "postgresql.md").read_text().partition("### A managed database, step by step")[2]


def made(server: Server, owner: Project, api: str) -> str:
    """What the secret FLYPAST_LEDGER holds: the address with the pipeline's user, who can do no more than it must."""
    url = server.new_database()
    ran = owner.run("ledger", "init", "acme-prod", "--ledger", url, "--api-url", api)
    assert ran.code == 0, ran.err
    server.sql(f"DROP ROLE IF EXISTS {USER}")
    (sql,) = re.findall(r"```sql not-run\n(.*?)```", STEPS, re.DOTALL)
    database = url.rpartition("/")[2]
    for statement in sql.replace("'…'", f"'{PASSWORD}'").replace("DATABASE flypast", f"DATABASE {database}").split(";"):
        if statement.strip():
            server.sql(re.sub(r"\brunner\b", USER, statement), database=database)
    return url.replace("postgres@", f"{USER}:{quote(PASSWORD, safe='')}@")


def dropped(server: Server, secret: str) -> None:
    """With the database its grants go, so that the next test can make the user anew."""
    server.sql(f"DROP DATABASE {secret.rpartition('/')[2]} WITH (FORCE)")
