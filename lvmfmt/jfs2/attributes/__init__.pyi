from .acl import Acl as Acl, AclEntry as AclEntry
from .reader import AttributeReader as AttributeReader, Attributes as Attributes
