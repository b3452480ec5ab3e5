"""Who has which message: the seam, and the stores behind it."""
