"""The least that a submit can be: a Litestar handler that reads JSON, inserts a row, commits, and publishes beside it.

`python -m tests.bench.peers.bare PORT`, with `DATABASE_URL` and `RABBITMQ_URL`. No keys, no checks, no promises.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import sys
import threading
from typing import Any
from uuid import uuid4

import pika
import psycopg
import uvicorn
from litestar import Litestar, Request, post

CONNECTIONS = 10
TABLE = "CREATE TABLE IF NOT EXISTS bare_jobs (id uuid PRIMARY KEY, params jsonb NOT NULL, status text NOT NULL)"

waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
connections: queue.LifoQueue[psycopg.Connection[Any]] = queue.LifoQueue()


@post("/jobs", sync_to_thread=False)
async def submit(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Insert, and hand over to the publisher."""
    params = json.loads(await request.body())
    job_id = str(uuid4())
    return await request.app.state.loop.run_in_executor(None, insert, job_id, params)


def insert(job_id: str, params: Any) -> dict[str, str]:
    """One row, committed."""
    connection = connections.get()
    try:
        connection.execute("INSERT INTO bare_jobs VALUES (%s, %s, 'pending')", (job_id, json.dumps(params)))
    finally:
        connections.put(connection)
    waiting.put(job_id)
    return {"id": job_id, "status": "pending"}


def publish() -> None:
    """One message after the other."""
    channel = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"])).channel()
    channel.queue_declare("bare", durable=True)
    while True:
        channel.basic_publish("", "bare", waiting.get().encode(), pika.BasicProperties(delivery_mode=2))


async def remember_loop(app: Litestar) -> None:
    """Where `submit` finds the threads."""
    app.state.loop = asyncio.get_running_loop()


if __name__ == "__main__":
    for _ in range(CONNECTIONS):
        connections.put(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as first:
        first.execute(TABLE)
    threading.Thread(target=publish, daemon=True).start()
    app = Litestar([submit], on_startup=[remember_loop])
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
