"""The processes of the product beside each other: what they do together, and what becomes of jobs when they stop, die,
or lose a server."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from uuid import UUID

import psutil
import psycopg
import pytest

from actors.queue.broker import FencedRabbitmqBroker, make_broker
from actors.queue.publisher import Publisher
from embedded.object_store import ObjectStore
from embedded.postgres import Postgres
from scheduler.timetable import Timetable
from storage.jobs import LOCAL_USER_ID, FailureReason, Job
from storage.settings import ObjectStoreSettings
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from tests.integration.system import Client, Process, System, request, server_environment, wait_until
from tests.samples import script
from tests.servers.rabbitmq import RabbitMQ
from tests.standins.openai import OpenAIStandIn

# One house: API, scheduler and two workers on servers that are taken away from them and given back.


@dataclass(frozen=True)
class House:
    """The product in production's form. One worker speaks, the other joins."""

    system: System
    client: Client
    vendor: OpenAIStandIn
    api: Process
    scheduler: Process
    speaker: Process
    joiner: Process


@pytest.fixture(scope="module")
def house(
    session_directory: Path, postgres_server: Postgres, object_store: ObjectStore, take_virtual_host: Callable[[], str]
) -> Iterator[House]:
    """Started once for this file, from an empty database and no bucket. Its processes must stop with 0 in the end."""
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE house")
    objects = ObjectStoreSettings(
        s3_endpoint_url=object_store.endpoint_url,
        s3_bucket="house",
        aws_access_key_id=object_store.access_key_id,
        aws_secret_access_key=object_store.secret_access_key,
    )
    environment = {
        **server_environment(postgres_server.url_of("house"), objects, take_virtual_host()),
        "MAX_ACTIVE_JOBS": "100",
        "WORKER_THREADS": "1",
        "TURNS_AT_ONCE": "1",
        "PORT": "0",
    }
    directory = Path(mkdtemp(dir=session_directory))
    with OpenAIStandIn() as vendor, System(directory, {**environment, **vendor.environment}) as system:
        migrated = system.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        starting = {name: system.begin(name) for name in ("api", "scheduler")}
        speaker = system.begin("worker", "--queues", "synthesis")
        joiner = system.begin("worker", "--queues", "assembly")
        url = starting["api"].wait_for("api_started")["url"]
        for worker in (speaker, joiner):
            worker.wait_for("worker_started")
        house = House(system, Client.of(url), vendor, starting["api"], starting["scheduler"], speaker, joiner)
        yield house
        vendor.release()
        house.client.http.close()
        for process in (house.api, house.scheduler, speaker, joiner):
            process.send(signal.SIGTERM)
        assert [process.wait() for process in (house.api, house.scheduler, speaker, joiner)] == [0, 0, 0, 0]


@pytest.fixture(autouse=True)
def _behave(request: pytest.FixtureRequest) -> None:
    """What one test asked of the vendor of the house is not the next one's."""
    if "house" in request.fixturenames:
        request.getfixturevalue("house").vendor.reset()


def test_a_dialogue_goes_in_by_http_and_its_audio_comes_out(house: House) -> None:
    job_id = house.client.submit("one", "two", "three")

    job = house.client.wait_for(job_id, "completed", "failed")

    assert job["status"] == "completed", job
    audio = house.client.http.get(f"/jobs/{job_id}/download")
    assert (audio.status_code, audio.headers["content-type"]) == (200, "audio/mpeg")
    assert len(audio.content) == int(audio.headers["content-length"]) > 1000
    assert [event["job_id"] for event in house.joiner.events("job_completed")] == [job_id]
    assert house.speaker.events("job_completed") == []


def test_an_idle_system_begins_with_a_message_and_not_with_the_next_look_at_the_table(house: House) -> None:
    waits: list[float] = []
    for number in range(10):
        job_id = house.client.submit(f"idle {number}")
        job = house.client.wait_for(job_id, "completed")
        waits.append(job["result_metadata"]["latency_ms"])

    # From the start to the end, with two messages in between. The scheduler alone would need half a second for each.
    assert median(waits) < 1000


def test_two_workers_share_the_queues(house: House) -> None:
    house.vendor.stall()
    second = house.system.start("worker")
    jobs = [house.client.submit(f"shared {number}") for number in range(6)]

    # Each of them has one thread and speaks one turn at a time.
    house.vendor.wait_for_calls(2)
    house.vendor.release()
    for job_id in jobs:
        house.client.wait_for(job_id, "completed")

    joined = [event["job_id"] for worker in (house.joiner, second) for event in worker.events("job_completed")]
    assert set(joined) >= set(jobs)
    assert len(joined) == len(set(joined))
    assert second.stop() == 0


def test_without_the_database_the_api_says_so_and_a_job_in_hand_outlasts_it(
    house: House, postgres_server: Postgres
) -> None:
    house.vendor.stall()
    job_id = house.client.submit("outlasting")
    house.vendor.wait_for_calls(1)

    postgres_server.kill()
    try:
        asked = house.client.http.get(f"/jobs/{job_id}")
        submitted = house.client.http.post("/jobs", json=request())
        house.vendor.release()
        house.speaker.wait_for("database_unavailable")
    finally:
        postgres_server.start()

    for answer in (asked, submitted):
        assert (answer.status_code, answer.json()["error"]) == (503, "SERVICE_UNAVAILABLE")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.elapsed.total_seconds() < 3
    job = house.client.wait_for(job_id, "completed", "failed")
    assert job["status"] == "completed", job
    assert len(house.vendor.calls) == 1


def test_without_the_broker_jobs_are_accepted_and_done_when_it_is_back(house: House, rabbitmq: RabbitMQ) -> None:
    rabbitmq.kill()
    try:
        jobs = [house.client.submit(f"waiting {number}") for number in range(3)]
        wait_until(lambda: house.api.events("broker_unavailable"), "the API notices")
    finally:
        rabbitmq.start()

    for job_id in jobs:
        assert house.client.wait_for(job_id, "completed", "failed")["status"] == "completed"


def test_without_the_object_store_a_job_waits_and_is_completed_when_it_is_back(
    house: House, object_store: ObjectStore
) -> None:
    object_store.kill()
    try:
        job_id = house.client.submit("nowhere to put it")
        wait_until(lambda: house.speaker.events("upload_waits_for_storage"), "what was spoken is kept")
        assert house.client.job(job_id)["progress"]["stage"] == "synthesizing"
    finally:
        object_store.start()

    job = house.client.wait_for(job_id, "completed", "failed")
    assert (job["status"], job["retry_count"]) == ("completed", 0)
    assert len(house.vendor.calls_for("speech")) == 1, "it was spoken once"


# One worker or two, as processes; the API's and the scheduler's part is done here.


class Desk:
    """Takes jobs and keeps the timetable, as the API and the scheduler do."""

    def __init__(self, stores: Stores, broker: FencedRabbitmqBroker) -> None:
        self.stores = stores
        self.broker = broker
        self.publisher = Publisher(broker, stores.jobs)
        self.timetable = Timetable(stores, self.publisher.publish, broker.empty_queues)

    def submit(self, *texts: str) -> UUID:
        """The id of a new job, announced."""
        job = self.stores.jobs.submit(LOCAL_USER_ID, script(*texts, provider="openai"))
        self.publisher.publish(job.id, Stage.SYNTHESIZING)
        return job.id

    def job(self, job_id: UUID) -> Job:
        """The row as it is."""
        return self.stores.jobs.get(LOCAL_USER_ID, job_id)

    def wait_for(self, job_id: UUID, status: JobStatus, timeout_s: float = 30) -> Job:
        """The row, as soon as it has this status."""
        wait_until(lambda: self.job(job_id).status == status, f"{self.job(job_id)} to be {status}", timeout_s)
        return self.job(job_id)

    def consumers(self, queue: str) -> int:
        """How many there are in the broker."""
        return self.broker.channel.queue_declare(queue, passive=True).method.consumer_count


@pytest.fixture
def vendor() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def system(
    server_directory: Path,
    database_url: str,
    object_store_settings: ObjectStoreSettings,
    rabbitmq_url: str,
    vendor: OpenAIStandIn,
) -> Iterator[System]:
    servers = server_environment(database_url, object_store_settings, rabbitmq_url)
    with System(server_directory, {**servers, **vendor.environment}) as made:
        yield made


@pytest.fixture
def desk(stores: Stores, rabbitmq_url: str) -> Iterator[Desk]:
    broker = make_broker([rabbitmq_url])
    assert isinstance(broker, FencedRabbitmqBroker)
    made = Desk(stores, broker)
    made.publisher.start()
    made.timetable.start()
    yield made
    made.timetable.stop()
    made.publisher.stop()
    broker.close()


def test_a_worker_that_is_stopped_finishes_its_work_and_takes_nothing_new(
    system: System, desk: Desk, vendor: OpenAIStandIn
) -> None:
    vendor.stall()
    first = system.start("worker", WORKER_THREADS="2")
    begun = desk.submit("begun")
    vendor.wait_for_calls(1)

    first.send(signal.SIGTERM)
    wait_until(lambda: desk.consumers("synthesis") == 0, "it hangs up")
    left = desk.submit("left")
    second = system.start("worker")
    vendor.wait_for_calls(2)
    assert first.exit_code is None
    vendor.release()

    assert first.wait() == 0
    for job_id in (begun, left):
        assert desk.wait_for(job_id, JobStatus.COMPLETED).retry_count == 0
    assert second.stop() == 0
    assert [call.body["input"] for call in vendor.calls] == ["begun", "left"]


def test_what_is_not_finished_within_the_grace_period_fails_at_once(
    system: System, desk: Desk, vendor: OpenAIStandIn
) -> None:
    vendor.stall()
    worker = system.start("worker", GRACE_PERIOD_S="1")
    job_id = desk.submit("never spoken")
    vendor.wait_for_calls(1)

    worker.send(signal.SIGTERM)
    worker.send(signal.SIGINT)

    assert worker.wait(8) == 0
    job = desk.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, FailureReason.SYSTEM_INTERRUPTED)


#: `readthrough worker`, whose threads die of the first message.
FRAIL_WORKER = """
from dramatiq.worker import WorkerThread
from embedded.__main__ import main

def die(thread, message):
    raise SystemExit

WorkerThread.process_message = die
raise SystemExit(main())
"""


def test_a_worker_whose_thread_died_ends_so_that_it_is_started_again(system: System, desk: Desk) -> None:
    command = [sys.executable, "-c", FRAIL_WORKER, "worker"]
    worker = system.begin_command(command, "frail")

    desk.submit("deadly")

    assert worker.wait(10) == 1
    assert worker.events("worker_thread_died")


def test_a_killed_workers_job_fails_and_another_workers_job_is_completed(
    system: System, desk: Desk, vendor: OpenAIStandIn
) -> None:
    vendor.stall()
    killed, living = (system.begin("worker", WORKER_THREADS="1") for _ in range(2))
    for worker in (killed, living):
        worker.wait_for("worker_started")
    jobs = [desk.submit("one"), desk.submit("two")]
    vendor.wait_for_calls(2)

    killed.kill()

    wait_until(lambda: any(desk.job(job_id).status == JobStatus.FAILED for job_id in jobs), "the dead one's fails")
    dead, alive = sorted((desk.job(job_id) for job_id in jobs), key=lambda job: job.status == JobStatus.PROCESSING)
    assert (dead.error_code, alive.status) == (FailureReason.SYSTEM_INTERRUPTED, JobStatus.PROCESSING)
    vendor.release()
    assert desk.wait_for(alive.id, JobStatus.COMPLETED).attempt == 2  # one to speak, one to join
    assert desk.job(dead.id).status == JobStatus.FAILED
    assert living.stop() == 0


def test_a_frozen_worker_keeps_no_fresh_job_waiting(system: System, desk: Desk) -> None:
    frozen, living = (system.begin("worker", WORKER_THREADS="2") for _ in range(2))
    for worker in (frozen, living):
        worker.wait_for("worker_started")
    wait_until(lambda: desk.consumers("synthesis") == 2, "both take jobs")
    frozen.send(signal.SIGSTOP)
    try:
        jobs = [desk.submit(f"job {number}") for number in range(3)]
        ended = [desk.wait_for(job_id, JobStatus.COMPLETED, timeout_s=60) for job_id in jobs]
    finally:
        frozen.send(signal.SIGCONT)

    waits = [(job.started_at - job.created_at).total_seconds() for job in ended if job.started_at]
    assert len(waits) == 3
    assert max(waits) < 25, waits
    assert max(waits) > 2, f"the frozen worker held none of them, so nothing was seen: {waits}"
    assert [worker.stop() for worker in (frozen, living)] == [0, 0]


def test_a_hanging_vendor_is_a_timeout_and_the_thread_is_free_for_the_next_job(
    system: System, desk: Desk, vendor: OpenAIStandIn
) -> None:
    vendor.stall()
    worker = system.start("worker", WORKER_THREADS="1", JOB_DEADLINE_S="2", GRACE_PERIOD_S="1")
    hanging, following = desk.submit("hanging"), desk.submit("following")

    job = desk.wait_for(hanging, JobStatus.FAILED, timeout_s=7)
    assert job.error_code == FailureReason.TIMEOUT
    vendor.wait_for_calls(2)
    vendor.release()
    desk.wait_for(following, JobStatus.COMPLETED)
    assert worker.stop() == 0


def test_a_vendor_is_asked_again_after_the_waits_whichever_worker_is_there(
    system: System, desk: Desk, vendor: OpenAIStandIn
) -> None:
    vendor.fail(3, 503)
    first = system.start("worker", RETRY_DELAYS_S="1,3,4")
    job_id = desk.submit("again and again")
    vendor.wait_for_calls(2)

    second = system.start("worker", RETRY_DELAYS_S="1,3,4")
    assert first.stop() == 0
    vendor.wait_for_calls(3)
    third = system.start("worker", RETRY_DELAYS_S="1,3,4")
    wait_until(lambda: desk.job(job_id).stage == Stage.RETRYING, "it waits: a kill would fail a job in hand")
    second.kill()

    assert desk.wait_for(job_id, JobStatus.COMPLETED).retry_count == 3
    asked_at = [call.at for call in vendor.calls]
    waits = [later - earlier for earlier, later in pairwise(asked_at)]
    assert [round(wait - 0.45) for wait in waits] == [1, 3, 4], waits
    assert third.stop() == 0


def test_a_mute_broker_keeps_no_process_from_stopping(
    system: System, desk: Desk, vendor: OpenAIStandIn, rabbitmq: RabbitMQ
) -> None:
    worker, scheduler, api = (
        system.begin("worker"),
        system.begin("scheduler"),
        system.begin("api", PORT="0"),
    )
    processes = (worker, scheduler, api)
    for process, name in zip(processes, ("worker", "scheduler", "api"), strict=True):
        process.wait_for(f"{name}_started")
    desk.wait_for(desk.submit("while all is well"), JobStatus.COMPLETED)

    psutil.Process(rabbitmq.pid).suspend()
    try:
        for process in processes:
            process.send(signal.SIGTERM)
        codes = [process.wait(15) for process in processes]
    finally:
        psutil.Process(rabbitmq.pid).resume()

    assert codes == [0, 0, 0]


def test_a_hang_up_is_a_stop(system: System) -> None:
    processes = {name: system.begin(name, PORT="0") for name in ("worker", "scheduler", "api")}
    for name, process in processes.items():
        process.wait_for(f"{name}_started")

    for process in processes.values():
        process.send(signal.SIGHUP)

    assert [process.wait(15) for process in processes.values()] == [0, 0, 0]
    for name, process in processes.items():
        assert process.events(f"{name}_stopped")
