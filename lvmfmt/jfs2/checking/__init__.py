"""Checking a file system: every rule of a consistent one as a named check, without writing a byte."""

from .catalogue import CHECKS, Check
from .findings import Finding, Report, Statistics
from .run import PHASES, check

__all__ = ["CHECKS", "PHASES", "Check", "Finding", "Report", "Statistics", "check"]
