"""A PostgreSQL suite as a project would write it: nothing here knows what is behind DOCKER_HOST."""

from pathlib import Path

import psycopg
import pytest
from testcontainers.community.postgres import PostgresContainer

INIT = Path(__file__).parent.parent / "init.sql"


@pytest.fixture(scope="module")
def postgres():
    container = PostgresContainer("postgres:16", username="app", password="secret", dbname="appdb", driver=None)
    container.with_copy_into_container(INIT.read_bytes(), "/docker-entrypoint-initdb.d/init.sql")
    with container:
        yield container


def test_the_init_script_ran(postgres):
    with psycopg.connect(postgres.get_connection_url()) as db:
        assert db.execute("select count(*) from seeded").fetchone() == (2,)


def test_tables_can_be_made_and_read(postgres):
    with psycopg.connect(postgres.get_connection_url()) as db:
        db.execute("create table numbers (n int)")
        db.execute("insert into numbers values (1), (2)")
        assert db.execute("select sum(n) from numbers").fetchone() == (3,)


def test_a_wrong_password_is_refused(postgres):
    url = postgres.get_connection_url().replace("secret", "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_a_command_runs_inside(postgres):
    result = postgres.exec(["psql", "-U", "app", "appdb", "-Atc", "select name from seeded where id = 2"])
    assert (result.exit_code, result.output) == (0, b"bob\n")


def test_the_log_can_be_read(postgres):
    assert b"ready to accept connections" in b"".join(postgres.get_logs())
