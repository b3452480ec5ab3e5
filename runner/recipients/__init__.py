"""People: where lists come from, addresses, selection."""
