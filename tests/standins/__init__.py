"""Stand-ins for the vendors: HTTP servers that speak their protocols, and fail, stall or limit on demand."""
