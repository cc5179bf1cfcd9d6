"""AudioStore: audio in an S3-compatible object store. It knows keys and bytes, not whose they are."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage.settings import ObjectStoreSettings

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3.client import S3Client

#: A presigned link is valid for so long.
LINK_LIFETIME: Final = timedelta(minutes=15)
#: Bytes read at a time from an object.
CHUNK_BYTES: Final = 64 * 1024
#: Larger files go up in parts of this size.
PART_BYTES: Final = 16 * 1024 * 1024
#: One request deletes so many objects at most (the limit of S3's DeleteObjects).
MAX_DELETED_AT_ONCE: Final = 1000

_MISSING: Final = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
#: What object stores answer when there is no room: S3 quotas, MinIO, Ceph.
_FULL: Final = frozenset(
    {"XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "InsufficientCapacity", "EntityTooLarge"}
)


class AudioStoreError(Exception):
    """The object store did not do what it was asked."""


class ObjectMissing(AudioStoreError):
    """There is no object under this key."""


class ObjectStoreFull(AudioStoreError):
    """There is no room for another object."""


class ObjectStoreUnavailable(AudioStoreError):
    """The object store is away or fails; it may do better later."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the object store says of an object, without its bytes."""

    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class Link:
    """A presigned URL that a client may GET until `expires_at` (aware, UTC)."""

    url: str
    expires_at: datetime


class AudioStore:
    """One bucket. The clients are made when they are first used, after any fork; they may be shared by threads."""

    def __init__(self, settings: ObjectStoreSettings) -> None:
        self._settings = settings
        self._bucket = settings.s3_bucket
        self._making = threading.Lock()

    def ensure_bucket(self) -> None:
        """Create the bucket where there is none.

        Raises:
            AudioStoreError: it is not there and cannot be created.
        """
        try:
            self.check()
        except ObjectMissing:
            with _translated():
                self._client.create_bucket(Bucket=self._bucket)

    def check(self) -> None:
        """Whether the bucket can be reached.

        Raises:
            AudioStoreError: it cannot.
        """
        with _translated():
            self._client.head_bucket(Bucket=self._bucket)

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Upload a file, in parts when it is large; memory does not grow with it.

        Raises:
            AudioStoreError: the object is not there, or not whole.
        """
        config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False)
        with _translated(), path.open("rb") as file:
            if path.stat().st_size < PART_BYTES:
                # What goes up in one part needs nobody who cuts it into parts.
                self._client.put_object(Bucket=self._bucket, Key=key, Body=file, ContentType=content_type)
                return
            self._client.upload_fileobj(file, self._bucket, key, ExtraArgs={"ContentType": content_type}, Config=config)

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Upload bytes.

        Raises:
            AudioStoreError: the object is not there.
        """
        with _translated():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def get_to_file(self, key: str, path: Path) -> None:
        """Download an object into a file.

        Raises:
            ObjectMissing: there is none.
            AudioStoreError: it did not come whole.
        """
        with _translated(), path.open("wb") as file:
            body: StreamingBody = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            for chunk in body.iter_chunks(CHUNK_BYTES):
                file.write(chunk)

    def stat(self, key: str) -> StoredObject:
        """Size and ETag of an object.

        Raises:
            ObjectMissing: there is none.
            AudioStoreError: the store does not say.
        """
        with _translated():
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        return StoredObject(size_bytes=head["ContentLength"], etag=head["ETag"])

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to `end`, both included (to the last for None), in chunks.

        The request is made before this returns, so that its errors come before the first byte is sent on.

        Raises:
            ObjectMissing: there is none.
            AudioStoreError: the store did not answer, or broke off (from the iterator).
        """
        wanted = f"bytes={start}-" if end is None else f"bytes={start}-{end}"
        with _translated():
            answer = self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted)
        # Some servers (rclone) answer a range with the whole object: what comes before it is read and dropped.
        skip = 0 if "ContentRange" in answer else start
        length = answer["ContentLength"] - skip if end is None else end - start + 1
        return _read(answer["Body"], skip=skip, length=length)

    def presign(self, key: str, *, filename: str) -> Link:
        """A link for the host that clients reach (`S3_PUBLIC_URL`), which saves the object as `filename`."""
        expires_at = datetime.now(UTC).replace(microsecond=0) + LINK_LIFETIME
        with _translated():
            url = self._public_client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ResponseContentDisposition": content_disposition("attachment", filename),
                },
                ExpiresIn=int(LINK_LIFETIME.total_seconds()),
            )
        return Link(url, expires_at)

    def delete(self, key: str) -> None:
        """Delete an object. Idempotent: a missing object is not an error.

        Raises:
            AudioStoreError: it may still be there.
        """
        with _translated():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def delete_many(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Delete up to `MAX_DELETED_AT_ONCE` objects with one request. Idempotent: a missing object is not an error.

        What comes back are the keys of those that may still be there, each with the store's reason.

        Raises:
            AudioStoreError: the whole request failed; any of them may still be there.
        """
        if not keys:
            return {}
        with _translated():
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
            )
        # It does not raise for a single key.
        return {error["Key"]: error.get("Code", "unknown") for error in answer.get("Errors", []) if "Key" in error}

    def abort_uploads(self, key: str) -> None:
        """Drop the parts of uploads of this object that were never finished: a killed process leaves them, unseen.

        Raises:
            AudioStoreError: some may still be there.
        """
        # rclone answers as if there were no such thing where there is no upload at all.
        with suppress(ObjectMissing), _translated():
            # MinIO lists unfinished uploads by the whole key alone, so the key is what is asked for.
            listed = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=key)
            for upload in listed.get("Uploads", []):
                if upload.get("Key") == key and "UploadId" in upload:
                    self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload["UploadId"])

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key that begins with `prefix`.

        Raises:
            AudioStoreError: the store does not say.
        """
        with _translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                for entry in page.get("Contents", []):
                    if "Key" in entry:
                        yield entry["Key"]

    def close(self) -> None:
        """Close the connections that are kept open."""
        for name in ("_client", "_public_client"):
            client = self.__dict__.pop(name, None)
            if client is not None:
                client.close()

    @cached_property
    def _client(self) -> S3Client:
        return self._make_client(self._settings.s3_endpoint_url)

    @cached_property
    def _public_client(self) -> S3Client:
        # The host is part of what is signed, so links for another host need a client of that host.
        return self._make_client(self._settings.s3_public_url or self._settings.s3_endpoint_url)

    def _make_client(self, endpoint_url: str) -> S3Client:
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=3,
            read_timeout=15,
            retries={"total_max_attempts": 3, "mode": "standard"},
            max_pool_connections=32,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        with self._making:  # sessions are not safe for threads, clients are
            session: Any = boto3.Session()  # typed for 400 services, of which the stubs installed are one
            return session.client(
                "s3",
                endpoint_url=endpoint_url,
                region_name=self._settings.s3_region,
                aws_access_key_id=self._settings.aws_access_key_id,
                aws_secret_access_key=self._settings.aws_secret_access_key,
                config=config,
            )


def content_disposition(kind: str, filename: str) -> str:
    """The header's value for a file name of any characters (RFC 6266): an ASCII fallback and the true name."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " .-_") else "_" for c in filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _read(body: StreamingBody, *, skip: int, length: int) -> Iterator[bytes]:
    with _translated():
        try:
            while skip > 0:
                skip -= len(_next_chunk(body, skip))
            while length > 0:
                chunk = _next_chunk(body, length)
                length -= len(chunk)
                yield chunk
        finally:
            body.close()


def _next_chunk(body: StreamingBody, limit: int) -> bytes:
    chunk = body.read(min(limit, CHUNK_BYTES))
    if not chunk:
        raise ObjectStoreUnavailable("the object ended too soon")
    return chunk


@contextmanager
def _translated() -> Generator[None]:
    """What boto3 raises, in the words of this module."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        message = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
        if code in _MISSING:
            raise ObjectMissing(message) from error
        if code in _FULL or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 507:
            raise ObjectStoreFull(message) from error
        raise ObjectStoreUnavailable(message) from error
    except BotoCoreError as error:
        raise ObjectStoreUnavailable(str(error)) from error
