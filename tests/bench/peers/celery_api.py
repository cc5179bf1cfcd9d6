"""FastAPI that hands each job to Celery 5 over RabbitMQ: `python -m tests.bench.peers.celery_api PORT`.

The job is in the broker alone: no row, no key, no limit.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import uvicorn
from celery import Celery
from fastapi import FastAPI

celery = Celery("bench", broker=os.environ["RABBITMQ_URL"])
celery.conf.update(broker_transport_options={"confirm_publish": True}, task_ignore_result=True)
app = FastAPI()


@celery.task(name="speak")
def speak(params: dict[str, Any]) -> None:
    """Nothing: what is measured is the way here."""


@app.post("/jobs", status_code=201)
def submit(params: dict[str, Any]) -> dict[str, str]:
    """Publish, and wait for the confirm."""
    return {"id": celery.send_task("speak", [params]).id, "status": "pending"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
