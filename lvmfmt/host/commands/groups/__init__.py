"""Commands on volume groups: making, changing, varying on and off, mirroring, importing and splitting them."""
