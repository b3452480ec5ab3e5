"""flypast: Terraform for messages."""

__version__ = "0.1.0"
