"""Expressions: a bounded Jinja2, and drafts that become requests."""
