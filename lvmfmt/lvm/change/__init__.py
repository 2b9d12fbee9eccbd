"""Changing a group: in memory until the block ends without an error, then committed as a whole."""

from __future__ import annotations

from .copies import Copies
from .disks import Disks, check_unowned
from .options import Options
from .policies import Policies
from .volumes import Volumes

__all__ = ["Change", "check_unowned"]


class Change(Volumes, Policies, Copies, Disks, Options):
    """A change that is being made; see `VolumeGroup.change`.

    PPs that are freed are not given out again within the same change, so that what the old group holds is untouched
    until the new one is committed.
    """
