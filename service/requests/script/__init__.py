"""What people paste, read as a dialogue: `reader.py` begins; one file for each format, and what the formats share."""
