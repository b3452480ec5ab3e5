"""Figures that README.md promises, measured side by side on this machine: `make bench`."""
