"""Whole sends in virtual time, with every fault we can think of, from one seed each."""
