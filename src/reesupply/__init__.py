"""The open, auditable, probabilistic balance of the heavy rare earths to 2035."""

__version__ = "0.1.0"
