"""prepare_database: the roles of DATABASE_OWNER_URL and DATABASE_URL, made by the superuser of DATABASE_ADMIN_URL."""

from functools import partial
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from psycopg.conninfo import make_conninfo

from switchboard import database_roles
from switchboard.environment import setting

NEEDED = ("DATABASE_ADMIN_URL", "DATABASE_OWNER_URL", "DATABASE_URL")


class Command(BaseCommand):
    help = "Make the database, its two roles and their rights; what is there already stays, passwords are set anew."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        admin, owner_url, app_url = (setting(name) for name in NEEDED)
        missing = [name for name in NEEDED if not setting(name)]
        if missing:
            raise CommandError(f"Set {', '.join(missing)}: this makes the roles that the other two addresses name.")
        (owner, database), (app, other) = database_roles.login_of(owner_url), database_roles.login_of(app_url)
        if database != other or not database:
            raise CommandError("DATABASE_OWNER_URL and DATABASE_URL must name one database.")
        if owner.name == app.name or not (owner.name and app.name):
            raise CommandError("DATABASE_OWNER_URL and DATABASE_URL must name two roles.")
        if not (owner.password and app.password):
            raise CommandError("DATABASE_OWNER_URL and DATABASE_URL must hold the roles' passwords.")
        try:
            database_roles.set_up(partial(_connect, admin), database, owner, app)
        except psycopg.Error as problem:
            raise CommandError(f"The database could not be prepared: {problem}") from problem
        self.stdout.write(f"{database}: owned by {owner.name}, used by {app.name}")


def _connect(url: str, database: str) -> psycopg.Connection:
    return psycopg.connect(make_conninfo(url, dbname=database, connect_timeout=10), autocommit=True)
