"""Repairing a file system: rebuild what follows from something sound, keep what can be read, name orphans."""

from .fixes import KINDS, Fix, FixKind, Plan
from .run import Answer, RepairReport, exit_status, repair

__all__ = ["KINDS", "Answer", "Fix", "FixKind", "Plan", "RepairReport", "exit_status", "repair"]
