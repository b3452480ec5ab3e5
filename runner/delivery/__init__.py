"""Sending: intents, pacing, retries and outcomes. No I/O of its own."""
