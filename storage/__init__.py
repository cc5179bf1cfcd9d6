"""What is kept: the job's row and its every move, the audio in S3, users and keys. The lowest layer."""
