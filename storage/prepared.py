"""Statements of the busy paths, built once.

SQLAlchemy says what a statement is; of what it does for each execution, to build it, to name it for its cache and to
wrap its rows, the busy paths need nothing, and it took four fifths of their time. So psycopg is handed the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import psycopg
from sqlalchemy import BindParameter, ClauseElement, Column, Connection, bindparam
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.compiler import SQLCompiler

Row = tuple[Any, ...]
Processor = Callable[[Any], Any]

#: As the engines speak. It is asked for texts alone.
_DIALECT: Final = PGDialect_psycopg()


@dataclass(frozen=True, slots=True)
class _Text:
    """What psycopg is handed. `fixed`: what the statement itself holds. `told`: what it asks for, each time."""

    sql: bytes
    fixed: Mapping[str, Any]
    told: Mapping[str, Callable[[], Any]]
    processors: Mapping[str, Processor]


def given(name: str, column: Column[Any]) -> BindParameter[Any]:
    """A value that is given for each execution, of the type of this column; NULL where it is not given."""
    return bindparam(name, None, type_=column.type)


class Prepared:
    """A statement whose values are `given` by their names. May be used by many threads."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement

    def rows(self, connection: Connection, **values: Any) -> Sequence[Row]:
        """What it gives back."""
        return self._run(connection, values).fetchall()

    def row(self, connection: Connection, **values: Any) -> Row | None:
        """The one row that it gives back, or None."""
        return self._run(connection, values).fetchone()

    def count(self, connection: Connection, **values: Any) -> int:
        """How many rows it has changed."""
        return self._run(connection, values).rowcount

    def _run(self, connection: Connection, values: Mapping[str, Any]) -> psycopg.Cursor[Row]:
        text = self._text
        given = {
            name: processor(value) if (processor := text.processors.get(name)) and value is not None else value
            for name, value in values.items()
        }
        told = {name: tell() for name, tell in text.told.items()}
        wire = cast("psycopg.Connection[Row]", connection.connection.driver_connection)
        try:
            return wire.execute(text.sql, {**text.fixed, **told, **given})
        except psycopg.Error as error:
            # As SQLAlchemy does with what it executes itself: its own error, and a pool without what is lost.
            connection._handle_dbapi_exception(error, text.sql.decode(), None, None, None)  # pyright: ignore[reportPrivateUsage]

    @cached_property
    def _text(self) -> _Text:
        compiled = cast(
            SQLCompiler, self._statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        )
        binds: Mapping[str, BindParameter[Any]] = compiled.binds
        processors = {
            name: processor
            for name, bind in binds.items()
            if (processor := bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)) is not None
        }
        told = {name: bind.callable for name, bind in binds.items() if bind.callable is not None}
        fixed = {
            name: processors[name](value) if name in processors and value is not None else value
            for name, value in compiled.params.items()
            if name not in told
        }
        return _Text(
            str(compiled).encode(), fixed, {name: told[name] for name in told.keys() & compiled.params}, processors
        )
