"""The work: Dramatiq actors that speak the turns and join them, the broker, the audio and the vendors."""
