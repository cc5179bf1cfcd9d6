"""How often the database is gone to: each time costs a worker a millisecond and the database a write to its log."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, event

from storage.jobs import LOCAL_USER_ID
from storage.stores import Stores
from tests.integration.studio import rehearsal
from tests.samples import script


def transactions_of(engine: Engine, work: Callable[[], object]) -> int:
    """How many transactions some work takes, reads too."""
    count = 0

    def one_more(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(engine, "checkout", one_more)
    work()
    event.remove(engine, "checkout", one_more)
    return count


def test_a_submit_takes_one_and_its_user_another(stores: Stores) -> None:
    key = stores.keys.create("Ann")
    stores.keys.user_of(key)  # its use is noted, for a minute

    assert transactions_of(stores.engine, lambda: stores.keys.user_of(key)) == 1
    assert transactions_of(stores.engine, lambda: stores.jobs.submit(LOCAL_USER_ID, script())) == 1


def test_a_job_of_one_turn_takes_eleven(stores: Stores) -> None:
    with rehearsal(stores) as stage:
        job_id = stage.submit(script("one", provider="openai"))

        # The claim; the lexicon; what the user has had spoken; the segment's claim, its end; the turn; the hand-over.
        assert transactions_of(stores.engine, lambda: stage.synthesize(job_id)) == 7
        # The claim; where the segments are; the row of intent; the end.
        assert transactions_of(stores.engine, lambda: stage.assemble(job_id)) == 4


def test_each_turn_more_takes_three_and_what_was_spoken_before_one_for_all(stores: Stores) -> None:
    with rehearsal(stores) as stage:
        first = stage.submit(script("one", "two", "three", provider="openai"))
        assert transactions_of(stores.engine, lambda: stage.synthesize(first)) == 7 + 2 * 3

        again = stage.submit(script("one", "two", "three", provider="openai"))
        # In place of three for each: all are found at once, and written down at once.
        assert transactions_of(stores.engine, lambda: stage.synthesize(again)) == 5
