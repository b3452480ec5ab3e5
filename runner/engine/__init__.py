"""What hands the parts of a run out to workers: a seam, and one existing engine behind it."""
