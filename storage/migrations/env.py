"""How Alembic runs our migrations: on a connection that `storage/migrate.py` hands over, each in a transaction of its
own, so that one may leave it to build an index beside whoever writes.
"""

from __future__ import annotations

from alembic import context

from storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
