"""The commands of those who use a server: `readthrough speak`, `jobs`, `voices`."""
