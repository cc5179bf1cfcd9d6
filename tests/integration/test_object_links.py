"""deploy/links.Caddyfile: what the outside sees of the object store is links that can be read, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded.object_store import ObjectStore
from embedded.ports import free_port
from storage.audio_store import AudioStore
from storage.settings import ObjectStoreSettings

ROOT = Path(__file__).parents[2]
KEY = "audio/user/job/1-abc.mp3"
SOUND = bytes(range(256)) * 100


@pytest.fixture
def links_url(object_store: ObjectStore, bucket: str, tmp_path: Path) -> Iterator[str]:
    """Where the proxy is: Caddy, with the file that compose.yaml gives it."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PORT": str(port),
        "S3_BUCKET": bucket,
        "OBJECT_STORE": urlsplit(object_store.endpoint_url).netloc,
    }
    log = tmp_path / "caddy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                Path(sysconfig.get_path("scripts")) / "caddy",
                "run",
                "--config",
                ROOT / "deploy" / "links.Caddyfile",
                "--adapter",
                "caddyfile",
            ],
            env=environment,
            stderr=output,
        )
    give_up_at = time.monotonic() + 60
    while not answers(f"http://127.0.0.1:{port}/health"):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code == 204
    except httpx.HTTPError:
        return False


@pytest.fixture
def audio(object_store_settings: ObjectStoreSettings, links_url: str) -> Iterator[AudioStore]:
    """The store as the API has it: it writes by itself, and signs links for the proxy."""
    audio = AudioStore(object_store_settings.model_copy(update={"s3_public_url": links_url}))
    audio.put(KEY, SOUND, "audio/mpeg")
    audio.put("segments/user/secret.wav", b"not for you", "audio/wav")
    yield audio
    audio.close()


def client_at(url: str, object_store: ObjectStore) -> Any:
    """Somebody who has the very keys of the store, and asks at `url`."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=object_store.access_key_id,
        aws_secret_access_key=object_store.secret_access_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def test_a_link_can_be_read(audio: AudioStore, links_url: str) -> None:
    link = audio.presign(KEY, filename="對話.mp3").url

    answer = httpx.get(link, trust_env=False, timeout=10)

    assert link.startswith(f"{links_url}/")
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert "filename*=UTF-8''" in answer.headers["content-disposition"]


def test_a_forged_link_cannot(audio: AudioStore) -> None:
    link = audio.presign(KEY, filename="a.mp3").url

    assert httpx.get(link.replace("X-Amz-Signature=", "X-Amz-Signature=0"), trust_env=False).status_code == 403
    assert httpx.get(link.split("?")[0], trust_env=False).status_code == 403


def test_keys_that_come_with_a_link_are_not_passed_on(audio: AudioStore) -> None:
    """A store that gets a signature twice refuses both, or believes the wrong one."""
    link = audio.presign(KEY, filename="a.mp3").url

    answer = httpx.get(link, headers={"Authorization": "AWS4-HMAC-SHA256 nonsense"}, trust_env=False, timeout=10)

    assert (answer.status_code, answer.content) == (200, SOUND)


def test_nobody_writes_through_it_whatever_keys_he_has(
    audio: AudioStore, links_url: str, object_store: ObjectStore, bucket: str
) -> None:
    outside, inside = client_at(links_url, object_store), client_at(object_store.endpoint_url, object_store)

    for write in (
        lambda client: client.put_object(Bucket=bucket, Key="audio/new.mp3", Body=b"forged"),
        lambda client: client.create_multipart_upload(Bucket=bucket, Key="audio/new.mp3"),
        lambda client: client.delete_object(Bucket=bucket, Key=KEY),
    ):
        with pytest.raises(ClientError) as refused:
            write(outside)
        assert refused.value.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 403

    assert set(audio.keys("audio/")) == {KEY}
    # The same from within: it is the proxy that has refused.
    inside.put_object(Bucket=bucket, Key="audio/new.mp3", Body=b"ours")
    assert set(audio.keys("audio/")) == {KEY, "audio/new.mp3"}


def test_nor_by_a_link_that_was_signed_for_writing(
    audio: AudioStore, links_url: str, object_store: ObjectStore, bucket: str
) -> None:
    def link_at(url: str) -> str:
        client = client_at(url, object_store)
        return client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "audio/new.mp3"})

    through_proxy = httpx.put(link_at(links_url), content=b"forged", trust_env=False)
    direct = httpx.put(link_at(object_store.endpoint_url), content=b"ours", trust_env=False)

    assert (through_proxy.status_code, direct.status_code) == (403, 200)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST"])
def test_unsigned_payloads_are_refused_by_their_name(audio: AudioStore, method: str) -> None:
    """The header by which MinIO's last free release forgets to check a signature (CVE-2026-40344, CVE-2026-41145)."""
    link = audio.presign(KEY, filename="a.mp3").url
    headers = {"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer": "x-amz-checksum-crc32"}

    answer = httpx.request(method, link, headers=headers, trust_env=False)

    assert answer.status_code == 403
    assert "via" not in answer.headers  # it was the proxy that said so; the store was not asked


def test_nothing_but_audio_can_be_read_nor_listed(
    audio: AudioStore, links_url: str, object_store: ObjectStore, bucket: str
) -> None:
    outside, inside = client_at(links_url, object_store), client_at(object_store.endpoint_url, object_store)
    secret = {"Bucket": bucket, "Key": "segments/user/secret.wav"}

    assert inside.get_object(**secret)["Body"].read() == b"not for you"
    with pytest.raises(ClientError):
        outside.get_object(**secret)
    with pytest.raises(ClientError):
        outside.get_object(Bucket=bucket, Key=KEY)  # signed in a header: no link
    with pytest.raises(ClientError):
        outside.list_objects_v2(Bucket=bucket)
    for operation, parameters in (("get_object", secret), ("list_objects_v2", {"Bucket": bucket})):
        link = outside.generate_presigned_url(operation, Params=parameters)
        assert httpx.get(link, trust_env=False).status_code == 403
