"""Where a job can stand, and that the table of the stages of work is the only place that knows them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from actors.queue.worker import STORIES
from storage.stages import ACTIVE, FIRST_STAGE, QUEUES, TRANSITIONS, WORK, JobStatus, Place, Stage, due_for

ROOT = Path(__file__).parents[2]
PACKAGES = ("actors", "client", "embedded", "scheduler", "service", "storage")

#: What else a new stage adds, beside the files that name an old one: the revision that lets the table take it.
A_MIGRATION = 1


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every file of ours but the migrations, which are history."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def files_that_say(word: str) -> set[str]:
    """Where a text is written, as a whole."""
    return {
        name
        for name, tree in sources()
        if any(isinstance(node, ast.Constant) and node.value == word for node in ast.walk(tree))
    }


def files_that_name(stage: Stage) -> set[str]:
    """Where a stage of work, or the function that does the work, is meant by name."""
    names = {stage.name, STORIES[stage].__name__}
    return {name for name, tree in sources() if names & {_name_of(node) for node in ast.walk(tree)}}


def _name_of(node: ast.AST) -> str | None:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.FunctionDef(name=name):
            return name
        case _:
            return None


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_takes_a_slot_as_long_as_it_is_not_ended(status: JobStatus) -> None:
    assert status.is_active == (status in {"pending", "processing"})


def test_every_state_that_a_job_can_come_to_is_known_and_an_end_is_final() -> None:
    reached = {target for targets in TRANSITIONS.values() for target in targets}

    assert reached <= set(TRANSITIONS)
    for (status, stage), targets in TRANSITIONS.items():
        assert (status in ACTIVE) == (stage != Stage.DONE) == bool(targets)


def test_queues_and_actors_are_named_in_the_table_alone() -> None:
    for work in WORK.values():
        assert files_that_say(work.queue) == files_that_say(work.actor) == {"storage/stages.py"}
    assert len(set(QUEUES)) == len({work.actor for work in WORK.values()}) == len(WORK)


@pytest.mark.parametrize("stage", WORK)
def test_a_stage_of_work_is_added_in_five_files_at_most(stage: Stage) -> None:
    named = files_that_name(stage)

    assert {"storage/stages.py", "actors/queue/worker.py"} <= named
    assert len(named) + A_MIGRATION <= 5, named


def test_every_stage_of_work_has_its_function_and_no_other_has() -> None:
    assert {stage: story.__name__ for stage, story in STORIES.items()} == {
        stage: work.actor for stage, work in WORK.items()
    }


def test_a_job_goes_through_the_stages_in_their_order() -> None:
    assert next(iter(WORK)) == FIRST_STAGE == due_for(JobStatus.PENDING, Stage.QUEUED)
    assert [WORK[stage].then for stage in WORK] == [*list(WORK)[1:], None]


def test_every_place_of_an_active_job_is_worked_on_or_waited_at_for_one_stage() -> None:
    active = {place for place, targets in TRANSITIONS.items() if targets}
    waited_at = [place for work in WORK.values() for place in work.waits_at]

    assert len(waited_at) == len(set(waited_at))
    assert active == {*waited_at, *((JobStatus.PROCESSING, stage) for stage in WORK)}


def test_what_the_table_says_is_a_legal_move() -> None:
    def is_legal(before: Place, after: Place) -> bool:
        return before == after or after in TRANSITIONS[before]

    for stage, work in WORK.items():
        worked_on, let_go = (JobStatus.PROCESSING, stage), (JobStatus.PROCESSING, work.waits_again_at)
        assert all(is_legal(place, worked_on) for place in work.waits_at)
        assert is_legal(worked_on, let_go)
        assert due_for(*let_go) == stage
    for stage, following in pairwise(WORK):
        handed_over = (JobStatus.PROCESSING, following)
        assert is_legal((JobStatus.PROCESSING, stage), handed_over)
        assert due_for(*handed_over) == following
