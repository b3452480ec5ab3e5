"""A PostgreSQL server of the tests' own, on a free port of this machine, with a database for each test."""
