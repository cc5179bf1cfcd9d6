"""`readthrough keys`: makes, lists and revokes API keys."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from uuid import UUID

from storage.engine import make_engine
from storage.errors import DatabaseUnavailable
from storage.key_store import KeyStore
from storage.settings import DatabaseSettings, read


def main(argv: list[str]) -> int:
    """The command.

    Raises:
        SettingsError: the environment says something that cannot be meant.
    """
    parser = argparse.ArgumentParser(prog="readthrough keys", description="API keys, for AUTH=api-key.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key; it is shown this once")
    create.add_argument("--user", required=True, type=_name, help="whose key it is; added if new")
    actions.add_parser("list", help="id, user, prefix, last use")
    revoke = actions.add_parser("revoke", help="end a key")
    revoke.add_argument("id", type=UUID, help="as listed")
    arguments = parser.parse_args(argv)

    engine = make_engine(read(DatabaseSettings).database_url, pool_size=1)
    keys = KeyStore(engine)
    try:
        match arguments.action:
            case "create":
                sys.stdout.write(f"{keys.create(arguments.user)}\n")
            case "list":
                _print_keys(keys)
            case _:
                if not keys.revoke(arguments.id):
                    sys.stderr.write(f"readthrough keys: there is no key {arguments.id} that is still good\n")
                    return 1
    except DatabaseUnavailable as error:
        sys.stderr.write(f"readthrough keys: the database cannot be reached: {error}\n")
        return 1
    finally:
        engine.dispose()
    return 0


def _print_keys(keys: KeyStore) -> None:
    row = "{:<36}  {:<20}  {:<8}  {:<20}  {}\n"
    sys.stdout.write(row.format("ID", "USER", "PREFIX", "LAST USED", "STATE"))
    for key in keys.list():
        state = "good" if key.revoked_at is None else "revoked"
        sys.stdout.write(row.format(str(key.id), key.user_name, key.prefix, _when(key.last_used_at), state))


def _when(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _name(value: str) -> str:
    name = value.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise argparse.ArgumentTypeError("1 to 100 printable characters")
    return name
