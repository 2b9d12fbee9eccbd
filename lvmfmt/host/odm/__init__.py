"""What a rootvg knows: the ODM and the other stanza files inside its root file system."""
