"""Databases of one throw-away server, each holding some synthetic bots, and a way to work in one of them."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.types.json import Jsonb

from benchmarks.synthetic_bots import ROOT, SyntheticBot

TEMPLATE = "switchboard"
# Three kinds of rows make up nearly everything that is loaded; the rest is one row a bot.
CHUNKS = (
    "knowledge_chunk (id, group_id, document_id, revision, position, text, heading_path, kind, language, content_hash)",
    ("uuid", "uuid", "uuid", "int4", "int4", "text", "jsonb", "varchar", "varchar", "varchar"),
)
VECTORS = ("knowledge_chunkvector (group_id, chunk_id, space, embedding)", ("uuid", "uuid", "varchar", "halfvec"))
POSTINGS = ("knowledge_posting (group_id, term, chunk_id, weight)", ("uuid", "varchar", "uuid", "float4"))


@dataclass(frozen=True)
class Server:
    """The superuser's address of the server, without a database's name."""

    url: str
    space: str

    def connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(f"{self.url}/{database}", autocommit=True)

    def create(self, database: str) -> None:
        """An empty database with all tables. Nobody may be connected to the template meanwhile."""
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {database} TEMPLATE {TEMPLATE} OWNER switchboard_owner")
            connection.execute(f"GRANT CONNECT ON DATABASE {database} TO switchboard_app")

    def load(self, database: str, bots: Iterable[SyntheticBot]) -> None:
        with self.connect(database) as connection:
            register_vector(connection)
            # The rows are known to fit together; checking each foreign key would take most of the time.
            connection.execute("SET session_replication_role = replica")
            for bot in bots:
                with connection.transaction():
                    _load(connection, bot, self.space)

    def vacuum(self, database: str) -> None:
        """As autovacuum will have done a little later."""
        with self.connect(database) as connection:
            connection.execute("VACUUM (ANALYZE)")


@contextmanager
def server(models: Path | None = None) -> Iterator[Server]:
    """PostgreSQL in a temporary folder, with Django and its tables set up. `models`: a folder with exported ones."""
    sys.path.insert(0, str(ROOT / "platform"))
    from switchboard.embedded import services

    folder = Path(tempfile.mkdtemp(prefix="switchboard-many-bots-"))
    folder.chmod(0o755)
    if models:
        (folder / "models").symlink_to(models.resolve())
    try:
        with services.running(folder, durable=False) as running:
            os.environ.update(running.environment())
            yield _set_up(running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def working_in(database: str) -> Iterator[None]:
    """Everything that uses Django's connections works in this database, as the unprivileged role."""
    from django.db import connections

    before = {alias: connections[alias] for alias in ("default", "owner")}
    for alias in before:
        name = f"{alias}_{database}"
        if name not in connections.databases:
            connections.databases[name] = {**connections.databases[alias], "NAME": database}
        connections[alias] = connections[name]
    try:
        yield
    finally:
        for alias, connection in before.items():
            connections[alias] = connection


def _set_up(running: Any) -> Server:
    import django
    from django.core.management import call_command
    from django.db import connections

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    for connection in connections.all():
        connection.close()
        if connection.alias == "default":
            connection.close_pool()
    from knowledge.embedding import get_embedder

    where = urlsplit(running.app_url)
    password = running.supervisor.folder.secret("postgres_password")
    return Server(f"postgresql://postgres:{password}@{where.hostname}:{where.port}", get_embedder().space.key)


def _load(connection: psycopg.Connection[Any], bot: SyntheticBot, space: str) -> None:
    from knowledge.models import Document, EmbeddingSpace
    from tenants.models import Bot, Tenant

    owner = {"group_id": bot.group_id}
    _insert(connection, Tenant(id=bot.tenant_id, name="Synthetic"))
    _insert(connection, Bot(id=bot.group_id, tenant_id=bot.tenant_id, key=bot.group_id.hex, name="Synthetic"))
    _insert(connection, EmbeddingSpace(**owner, key=space, dimension=bot.vectors.shape[1], active=True))
    _insert(connection, Document(**owner, id=bot.document_id, title="Handbook", state="ready", indexed_revision=1))
    group, chunks = bot.group_id, bot.chunk_ids
    _copy(
        connection,
        *CHUNKS,
        (
            (chunk, group, bot.document_id, 1, position, text, Jsonb([]), "text", "en", chunk.hex)
            for position, (chunk, text) in enumerate(zip(chunks, bot.texts, strict=True))
        ),
    )
    vectors = zip(chunks, bot.vectors, strict=True)
    _copy(connection, *VECTORS, ((group, chunk, space, HalfVector(vector)) for chunk, vector in vectors))
    words = zip(chunks, bot.weights, strict=True)
    _copy(connection, *POSTINGS, ((group, term, chunk, w) for chunk, found in words for term, w in found.items()))


def _insert(connection: psycopg.Connection[Any], row: Any) -> None:
    """Save a model's row with its defaults, through another connection than Django's."""
    from django.db import connection as of_django

    fields = row._meta.concrete_fields
    values = [field.get_db_prep_save(field.pre_save(row, True), of_django) for field in fields]
    into = sql.Identifier(row._meta.db_table), sql.SQL(", ").join(sql.Identifier(field.column) for field in fields)
    places = sql.SQL(", ").join([sql.Placeholder()] * len(fields))
    psycopg.ClientCursor(connection).execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(*into, places), values)


def _copy(
    connection: psycopg.Connection[Any], into: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    with connection.cursor().copy(f"COPY {into} FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
