"""A look-alike of Bird's Channels API on loopback, written from its documentation alone."""
