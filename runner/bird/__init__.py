"""Bird's Channels API: requests and replies (no I/O), and the client."""
