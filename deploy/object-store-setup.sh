#!/bin/sh
# Makes the bucket, and the one user that Readthrough has in the object store: it reads, writes and deletes there, and
# can do nothing elsewhere. May run again and again.
set -eu

mc --quiet alias set store http://object-store:9000 "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD"
mc --quiet mb --ignore-existing "store/$S3_BUCKET"
mc --quiet admin policy create store readthrough /deploy/bucket-policy.json
mc --quiet admin user add store "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
# Attached already is an error to mc.
mc --quiet admin policy attach store readthrough --user "$AWS_ACCESS_KEY_ID" ||
	mc --quiet admin policy entities store --user "$AWS_ACCESS_KEY_ID" | grep -q readthrough
