"""Commands on devices of the ODM: finding, defining, changing and listing them."""
