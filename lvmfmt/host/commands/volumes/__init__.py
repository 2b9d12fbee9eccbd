"""Commands on logical volumes: making and changing them, their copies, their control blocks, paging spaces."""
