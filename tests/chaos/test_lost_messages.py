"""Messages that are lost, by a broker without its data or a publisher without confirms: the row is the truth."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from dramatiq import Message
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from sqlalchemy import func

from actors.queue.broker import make_broker
from scheduler.sweeps import OVERDUE_S, REPUBLISH_S
from storage.jobs import LOCAL_USER_ID
from storage.rules import JobRules
from storage.stages import WORK, Stage
from storage.sweep_store import SweepStore
from tests.chaos.faults.kind import frozen
from tests.chaos.ground import Ground
from tests.chaos.lost_messages import lose_all_messages
from tests.samples import script

QUEUE, ACTOR = WORK[Stage.SYNTHESIZING].queue, WORK[Stage.SYNTHESIZING].actor


def test_jobs_whose_messages_were_deleted_are_completed(ground: Ground, server_directory: Path) -> None:
    outcome = lose_all_messages(ground, server_directory, jobs=30)

    assert outcome.ends == {"completed": 30}


def test_a_message_to_a_broker_that_is_killed_is_never_taken_for_sent(ground: Ground) -> None:
    broker = make_broker([ground.rabbitmq_url])
    broker.declare_queue(QUEUE, ensure=True)  # pyright: ignore[reportCallIssue] # RabbitMQ's own

    with ThreadPoolExecutor(1) as pool:
        with frozen(ground.rabbitmq.pid):
            sending = pool.submit(broker.enqueue, _message(LOCAL_USER_ID))
            ground.rabbitmq.kill()
        error = sending.exception(timeout=60)

    broker.close()
    assert error is not None


def test_without_confirms_it_is_lost_and_taken_for_sent_and_yet_its_job_is_sent_again(ground: Ground) -> None:
    """The negative control, and what holds even then."""
    with ground.stores() as stores:
        job = stores.jobs.submit(LOCAL_USER_ID, script())
        broker = RabbitmqBroker(url=ground.rabbitmq_url, confirm_delivery=False, middleware=[])
        broker.declare_queue(QUEUE, ensure=True)
        with frozen(ground.rabbitmq.pid):
            broker.enqueue(_message(job.id))
            stores.jobs.mark_published([job.id])
            ground.rabbitmq.kill()
        ground.rabbitmq.start()

        assert _count_messages(ground) == 0
        later = SweepStore(
            stores.engine, JobRules(), lambda: func.clock_timestamp() + timedelta(seconds=2 * REPUBLISH_S)
        )
        assert stores.sweeps.due(overdue_s=OVERDUE_S, republish_s=REPUBLISH_S, limit=9) == []
        assert later.due(overdue_s=OVERDUE_S, republish_s=REPUBLISH_S, limit=9) == [(job.id, Stage.SYNTHESIZING)]
        broker.close()


def _message(job_id: UUID) -> Message[None]:
    return Message(QUEUE, ACTOR, args=(str(job_id),), kwargs={}, options={})


def _count_messages(ground: Ground) -> int:
    broker = RabbitmqBroker(url=ground.rabbitmq_url, confirm_delivery=True, middleware=[])
    try:
        return broker.get_queue_message_counts(QUEUE)[0]
    finally:
        broker.close()
