"""The words of the page: there is one for whatever the API can say of a job, in both languages."""

from __future__ import annotations

import pytest

from service.page.assets import PAGE_LANGUAGES, WORDS
from storage.stages import JobStatus, Stage


@pytest.mark.parametrize("language", PAGE_LANGUAGES)
def test_every_place_where_a_job_can_stand_has_words(language: str) -> None:
    wanted = {f"status.{status}" for status in JobStatus} | {f"stage.{stage}" for stage in Stage}

    assert wanted - WORDS[language].keys() == set()
