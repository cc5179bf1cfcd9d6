"""Sound in, sound out: segments, the join, files, loudness, waveforms. It knows no job, no store and no vendor."""
