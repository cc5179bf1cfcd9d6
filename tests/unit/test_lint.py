"""Our own lint rules: each finds what it is about, and leaves alone what looks like it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.lint.patterns import danger_in
from tests.lint.rules import RULES, findings_in, findings_in_tree

ROOT = Path(__file__).parents[2]

BAD = {
    "actor-without-broker": [
        """
        import dramatiq
        @dramatiq.actor
        def speak(job_id): ...
        """,
        """
        from dramatiq import actor
        @actor(queue_name="synthesis")
        def speak(job_id): ...
        """,
    ],
    "publish-unconfirmed": ["FencedRabbitmqBroker(url=url)"],
    "delete-errors-unread": [
        """
        def forget(client, keys):
            client.delete_objects(Bucket="b", Delete={"Objects": keys})
        """,
        """
        def read(answer):
            return answer["Errors"]
        def forget(self, keys):
            self._client.delete_objects(Bucket="b", Delete={"Objects": keys})
        """,
    ],
    "s3-signature-unsaid": [
        'boto3.client("s3", endpoint_url=url)',
        """
        from botocore.config import Config as Settings
        session.client("s3", config=Settings(connect_timeout=3, read_timeout=15))
        """,
    ],
    "engine-elsewhere": [
        """
        import sqlalchemy
        engine = sqlalchemy.create_engine(url)
        """,
        """
        from sqlalchemy import create_engine as connect_to
        engine = connect_to(url)
        """,
    ],
    "sweep-skipped": [
        'scheduler.add_job(sweep, "interval", seconds=1)',
        'scheduler.add_job(sweep, "interval", seconds=1, coalesce=True)',
    ],
    "no-timeout": [
        "import httpx\nhttpx.get(url)",
        "import httpx\nclient = httpx.Client(base_url=url)",
        "from urllib.request import urlopen\nurlopen(url)",
        "import psycopg\npsycopg.connect(url)",
        "from botocore.config import Config\nConfig(signature_version='s3v4', connect_timeout=3)",
    ],
    "unbounded-read": [
        'data = client.get_object(Bucket="b", Key="k")["Body"].read()',
        "import urllib.request\nurllib.request.urlopen(url, timeout=5).read()",
        "def body_of(response): return response.read()",
    ],
    "limit-after-query": [
        "def expired(self, limit): return self._rows(query)[:limit]",
        "def expired(connection): return connection.execute(query).scalars().all()[:500]",
    ],
    "slow-pattern": [
        r"import re; WORDS = re.compile(r'(?:\w+\s*)+!')",
        r"import re; RANGE = re.compile(r'\s*(\w{1,8})\s*(?:;q=(\d))?\s*'); RANGE.fullmatch(header)",
        r"import re; NAMED = re.compile(r'[\w-]*(?:key|token)='); NAMED.sub('', words)",
        r"import re; re.search(r'\s+$', text)",
    ],
    "environment-elsewhere": [
        "import os\nkey = os.environ['KEY']",
        "from os import getenv\nkey = getenv('KEY')",
    ],
    "fixed-sleep": [
        """
        import time
        def test_it_comes():
            time.sleep(1)
            assert it_came()
        """,
        """
        import time
        def test_it_comes():
            for _ in range(10):
                time.sleep(1)
            assert it_came()
        """,
    ],
    "install-in-test": [
        'import subprocess\nsubprocess.run(["/usr/bin/apt-get", "install", "-y", "rabbitmq-server"], check=True)'
    ],
    "error-unheard": [
        """
        try:
            work()
        except Exception:
            pass
        """,
        """
        def is_there():
            try:
                work()
            except (OSError, BaseException):
                return False
        """,
        """
        from contextlib import suppress
        with suppress(Exception):
            work()
        """,
    ],
}

GOOD = {
    "actor-without-broker": [
        """
        import dramatiq
        @dramatiq.actor(broker=broker, queue_name="synthesis")
        def speak(job_id): ...
        """,
    ],
    "publish-unconfirmed": ["FencedRabbitmqBroker(url=url, confirm_delivery=True)", "StubBroker(middleware=[])"],
    "delete-errors-unread": [
        """
        def forget(client, keys):
            answer = client.delete_objects(Bucket="b", Delete={"Objects": keys})
            return [failure["Key"] for failure in answer.get("Errors", ())]
        """,
    ],
    "s3-signature-unsaid": [
        """
        from botocore.config import Config
        session.client("s3", config=Config(signature_version="s3v4"))
        """,
        """
        from alembic.config import Config
        config = Config()
        """,
        'boto3.client("sqs")',
    ],
    "engine-elsewhere": ["from storage.engine import make_engine\nengine = make_engine(url)"],
    "sweep-skipped": [
        'scheduler.add_job(sweep, "interval", seconds=1, misfire_grace_time=None, coalesce=True)',
    ],
    "no-timeout": [
        "import httpx\nhttpx.get(url, timeout=5)",
        "import httpx\nhttpx.get(url, **options)",
        "settings.get('httpx')",
        "import psycopg\npsycopg.connect(url, connect_timeout=5)",
    ],
    "unbounded-read": [
        'piece = client.get_object(Bucket="b", Key="k")["Body"].read(65536)',
        "def lines(file): return file.read()",
    ],
    "limit-after-query": [
        "def expired(self, limit): return connection.execute(query.limit(limit)).scalars().all()",
        "def prefix(key): return key[:8]",
    ],
    "slow-pattern": [
        r"import re; NUMBER = re.compile(r'\d+(\.\d+)?'); NUMBER.fullmatch(text)",
        r"import re; TAG = re.compile(r'[a-z]{1,8}(?:-[a-z]{1,8})*'); TAG.fullmatch(text)",
        r"import re; LINE = re.compile(r'\[([^\]]*)\]:(.*)', re.DOTALL); LINE.match(text)",
        r"import re; re.sub(r'\s+', ' ', text)",
        r"import re; re.search(r'^[a-z]+:', text)",
    ],
    "environment-elsewhere": ["from pathlib import Path\nhome = Path.home()", "settings = read(ServiceSettings)"],
    "fixed-sleep": [
        """
        import time
        def until(condition, give_up_at):
            while not condition():
                assert time.monotonic() < give_up_at
                time.sleep(0.02)
        """,
        """
        import time
        def test_it_comes():
            for _ in range(10):
                if it_came():
                    break
                time.sleep(1)
        """,
    ],
    "install-in-test": ['import subprocess\nsubprocess.run(["rabbitmqctl", "status"], check=True)'],
    "error-unheard": [
        """
        try:
            work()
        except Exception:
            log.exception("work_failed")
        """,
        """
        try:
            work()
        except Exception:
            undone = True
            raise
        """,
        """
        from contextlib import suppress
        with suppress(FileNotFoundError):
            work()
        """,
    ],
}


def found(rule: str, source: str) -> list[int]:
    """The lines at which the rule, and no other, finds something."""
    paths = {
        "fixed-sleep": "tests/unit/test_example.py",
        "install-in-test": "tests/conftest.py",
        "limit-after-query": "storage/example_store.py",
    }
    path = paths.get(rule, "service/example.py")
    return [finding.line for finding in findings_in(path, dedent(source)) if finding.rule == rule]


@pytest.mark.parametrize(("rule", "source"), [(rule, source) for rule, sources in BAD.items() for source in sources])
def test_what_is_bad_is_found(rule: str, source: str) -> None:
    assert found(rule, source)


@pytest.mark.parametrize(("rule", "source"), [(rule, source) for rule, sources in GOOD.items() for source in sources])
def test_what_is_good_is_left_alone(rule: str, source: str) -> None:
    assert found(rule, source) == []


def test_every_rule_has_a_story_and_examples_of_both_kinds() -> None:
    names = [rule.name for rule in RULES]

    assert len(names) == len(set(names)) >= 14
    assert set(names) == set(BAD) == set(GOOD)
    assert all(len(rule.story) > 80 for rule in RULES)


def test_a_line_may_say_that_a_rule_is_wrong_there_and_why() -> None:
    source = "import os\nkey = os.environ['KEY']  # lint: allow environment-elsewhere: it is a child's\n"

    assert list(findings_in("service/example.py", source)) == []


def test_so_may_a_comment_above_it() -> None:
    source = "import os\n# lint: allow environment-elsewhere: it is a child's\nkey = os.environ['KEY']\n"

    assert list(findings_in("service/example.py", source)) == []


def test_it_must_say_why() -> None:
    source = "import os\nkey = os.environ['KEY']  # lint: allow environment-elsewhere\n"

    (finding,) = findings_in("service/example.py", source)

    assert finding.says == "allowed without a reason"


def test_what_is_allowed_without_need_is_found() -> None:
    (finding,) = findings_in("service/example.py", "key = 1  # lint: allow no-timeout: it was once needed\n")

    assert finding.says == "allowed, but not found here"


def test_a_rule_for_the_product_lets_tests_be() -> None:
    assert list(findings_in("tests/example.py", "import os\nkey = os.environ['KEY']\n")) == []


@pytest.mark.parametrize(
    ("pattern", "tried_everywhere", "is_slow"),
    [
        (r"(a+)+$", False, True),
        (r"\s*;?\s*", False, True),
        (r"\s*;\s*", False, False),
        (r".*foo.*", False, True),
        (r"[a-z]+:", True, True),
        (r"[a-z]+:", False, False),
        (r"x[a-z]+:", True, True),
        (r"=[a-z]+:", True, False),
        (r"[a-z]+", True, False),
        (r"[a-z]{1,20}:", True, False),
        (r"\A[a-z]+:", True, False),
        (r"\s+$", True, True),
        (r"\s+$", False, False),
    ],
)
def test_what_takes_more_than_linear_time(pattern: str, tried_everywhere: bool, is_slow: bool) -> None:
    assert (danger_in(pattern, tried_everywhere=tried_everywhere) is not None) == is_slow


def test_the_tree_is_clean() -> None:
    assert [str(finding) for finding in findings_in_tree(ROOT)] == []
