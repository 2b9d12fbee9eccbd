"""The group's own tables on its disks: VGDA and VGSA, their copies, and how a change is committed to them."""
