"""The database's two roles, the database itself, and what each role may do in it: made by an administrator.

The owner has the tables and migrates them; the application connects as the other, which is bound by row-level security.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

# What the application may do with everything that the owner will ever make.
DEFAULT_RIGHTS = (
    "SELECT, INSERT, UPDATE, DELETE ON TABLES",
    "USAGE ON SEQUENCES",
    "EXECUTE ON FUNCTIONS",
)


@dataclass(frozen=True)
class Login:
    name: str
    password: str


def set_up(connect: Callable[[str], psycopg.Connection], database: str, owner: Login, app: Login) -> None:
    """Make what is missing; to be repeated, so an interrupted first time is completed. `connect` takes a database's
    name and connects as a superuser, with autocommit."""
    with connect("postgres") as connection:
        make_role(connection, owner, "CREATEDB")
        make_role(connection, app, "NOCREATEDB")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(_filled("CREATE DATABASE {} OWNER {}", database, owner.name))
    with connect(database) as connection:
        connection.execute(_filled("REVOKE ALL ON DATABASE {} FROM PUBLIC", database))
        connection.execute(_filled("GRANT CONNECT ON DATABASE {} TO {}", database, app.name))
        # As it is from PostgreSQL 15 on: before, everybody may make tables there.
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute(_filled("GRANT CREATE ON SCHEMA public TO {}", owner.name))
        allow(connection, owner.name, app.name)


def make_role(connection: psycopg.Connection, login: Login, databases: str) -> None:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login.name]).fetchone()
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION {} PASSWORD {}").format(
            sql.SQL("ALTER" if found else "CREATE"),
            sql.Identifier(login.name),
            sql.SQL(databases),
            sql.Literal(login.password),
        )
    )


def allow(connection: psycopg.Connection, owner: str, app: str) -> None:
    """The extension, and the application's rights to what the owner will make in this database."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute(_filled("GRANT USAGE ON SCHEMA public TO {}", app))
    for right in DEFAULT_RIGHTS:
        statement = f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}} IN SCHEMA public GRANT {right} TO {{}}"
        connection.execute(_filled(statement, owner, app))


def login_of(url: str) -> tuple[Login, str]:
    """Role and password of a database URL, and the database's name."""
    parts = urlsplit(url)
    return Login(unquote(parts.username or ""), unquote(parts.password or "")), unquote(parts.path.lstrip("/"))


def _filled(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))  # type: ignore[arg-type]
