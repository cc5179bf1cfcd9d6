"""Which names a server has, and which sites may change something on it through a browser."""

from __future__ import annotations

import pytest

from service.http.sites import Sites, origin_of
from service.settings import ServiceSettings

HOST = (b"host", b"localhost:8000")


def sites(**settings: object) -> Sites:
    said = ServiceSettings(**settings)  # pyright: ignore[reportArgumentType]
    return Sites(said.hosts, said.reached_at)


def refused(where: Sites, method: str, *headers: tuple[bytes, bytes], path: str = "/api/v1/jobs") -> str | None:
    problem = where.problem_of(method, path, headers)
    return problem and problem.field


@pytest.mark.parametrize(
    "host", [b"localhost", b"LOCALHOST:1", b"127.0.0.1:8000", b"[::1]:8000", b"localhost.", b"[::1]"]
)
def test_loopback_is_called_by_its_names(host: bytes) -> None:
    assert refused(sites(), "GET", (b"host", host)) is None


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"localhost.evil.example", b"", b"localhost:x", b"a@localhost", b"127.0.0.1.", b"\xff", b"[::2]"],
)
def test_another_name_is_refused(host: bytes) -> None:
    expected = None if host == b"127.0.0.1." else "Host"
    assert refused(sites(), "GET", (b"host", host)) == expected


def test_no_name_and_two_names_are_refused() -> None:
    assert refused(sites(), "GET") == "Host"
    assert refused(sites(), "GET", HOST, HOST) == "Host"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_probes_may_ask_by_address(path: str) -> None:
    assert refused(sites(), "GET", (b"host", b"10.0.0.7:8000"), path=path) is None


def test_the_settings_name_the_server() -> None:
    public = sites(public_url="https://Voices.Example/x")
    assert refused(public, "GET", (b"host", b"voices.example")) is None
    assert refused(public, "GET", HOST) is None
    named = sites(public_url="https://voices.example", allowed_hosts="a.example, [::5]")
    assert refused(named, "GET", (b"host", b"a.example:99")) is None
    assert refused(named, "GET", (b"host", b"[::5]:99")) is None
    assert refused(named, "GET", HOST) == "Host"
    assert refused(sites(host="192.168.1.5"), "GET", (b"host", b"192.168.1.5:8000")) is None
    assert refused(sites(host="::1", port=1), "GET", (b"host", b"[::1]:1")) is None


@pytest.mark.parametrize("names", ["a b", "http://a", "a/b", "*"])
def test_what_is_no_name_stops_the_start(names: str) -> None:
    with pytest.raises(ValueError, match="names or addresses"):
        ServiceSettings(allowed_hosts=names)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH", "BREW"])
@pytest.mark.parametrize(
    ("header", "value", "is_ours"),
    [
        (b"sec-fetch-site", b"same-origin", True),
        (b"sec-fetch-site", b"none", True),
        (b"sec-fetch-site", b"cross-site", False),
        (b"sec-fetch-site", b"same-site", False),
        (b"sec-fetch-site", b"", False),
        (b"origin", b"http://localhost:8000", True),
        (b"origin", b"https://voices.example", True),
        (b"origin", b"http://localhost:9000", False),
        (b"origin", b"https://evil.example", False),
        (b"origin", b"null", False),
        (b"origin", b"", False),
        (b"accept", b"*/*", True),  # a program
    ],
)
def test_another_site_changes_nothing(method: str, header: bytes, value: bytes, is_ours: bool) -> None:
    where = sites(public_url="https://voices.example/")
    found = refused(where, method, HOST, (header, value))
    assert (found is None) == is_ours
    assert found is None or found.lower().encode() == header
    assert refused(where, "GET", HOST, (header, value)) is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.example/", "https://a.example"),
        ("http://A.example:80/b", "http://a.example"),
        ("http://a.example:8000", "http://a.example:8000"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_an_origin_is_written_as_browsers_do(url: str, origin: str) -> None:
    assert origin_of(url) == origin
