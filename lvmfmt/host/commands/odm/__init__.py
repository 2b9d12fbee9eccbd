"""Commands on the ODM, object by object."""
