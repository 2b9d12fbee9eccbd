from .copying.engine import IncompleteCopy as IncompleteCopy
from .copying.image import ImageCopy as ImageCopy, copy_image as copy_image
from .copying.runs import Source as Source
from .device import BlockDevice as BlockDevice, Buffer as Buffer, Bytes as Bytes, Extent as Extent
from .filedevice import BinaryFile as BinaryFile, FileDevice as FileDevice
from .imagefile import ImageFile as ImageFile
from .newfile import new_image as new_image
from .opening import DeviceLike as DeviceLike, opened as opened, opened_all as opened_all
from .pieces import Mirror as Mirror, Piece as Piece, PieceList as PieceList, Window as Window
from .plan import CopyPlan as CopyPlan, CopyReport as CopyReport
from .plainfile import read_plain as read_plain
from .registry import OPENERS as OPENERS, Opener as Opener, Registry as Registry, open as open
from .striped import Striped as Striped
from .wholefile import whole_file as whole_file
