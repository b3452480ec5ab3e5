"""Findings and reports: one file per format."""
