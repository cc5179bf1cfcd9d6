"""FastAPI that defers each job with procrastinate, in PostgreSQL: `python -m tests.bench.peers.procrastinate_api PORT`.

A row a job, committed; no key, no limit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import uvicorn
from fastapi import FastAPI
from procrastinate import App, PsycopgConnector

jobs = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"], min_size=10, max_size=10))


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
    """Its tables, once."""
    async with jobs.open_async():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            found = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
        if found == (None,):
            await jobs.schema_manager.apply_schema_async()
        yield


app = FastAPI(lifespan=lifespan)


@jobs.task(name="speak")
async def speak(params: dict[str, Any]) -> None:
    """Nothing: what is measured is the way here."""


@app.post("/jobs", status_code=201)
async def submit(params: dict[str, Any]) -> dict[str, str]:
    """Insert, committed."""
    return {"id": str(await speak.defer_async(params=params)), "status": "pending"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
