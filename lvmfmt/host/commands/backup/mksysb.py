"""`mksysb`, `savevg`, `lsmksysb`: a whole volume group as one archive, and what such an archive says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from ....backup import Archive, Member
from ....errors import CorruptImage, LvmfmtError, UnsupportedFeature
from ....escaping import printable
from ...alternate import exclude
from ...archive import archives, imagedata
from ...formats import rows
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import stanza
from ...odm.stanza import Stanza
from ...rootvg import ROOTVG
from ...syntax import Command, demand, flags
from ..filesystems import targets
from ..operands import varied_on_group
from .mkszfile import MAPS, describe, mkszfile
from .restore import blocking

BOSINST = "/bosinst.data"
GROUP_DATA = re.compile(rb"\./tmp/vgdata/([^/]+)/\1\.data")
"""Name of the member that describes a user volume group."""

_DESCRIBING = (b"./image.data", b"./bosinst.data", b"./tapeblksz", b"./tmp/vgdata/")
"""Members that say what a group is made of."""
_MAX_DATA = 16 << 20


def mksysb(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Write an image of rootvg: its mounted file systems as one archive, /image.data and /bosinst.data in front."""
    given, operands = flags(argv, "iemXpvVAab:", mixed=True, operands=1)
    _check_target(machine, "mksysb", operands[0])
    first = list(archives.FIRST)
    maps = f"{MAPS}/{ROOTVG}"
    if {"i", "m"} & set(given):
        print(message("system-backup-information"), file=stdout)
        mkszfile(machine, ["mkszfile", *(["-m"] if "m" in given else [])], stdout, stderr)
    elif machine.read_file(imagedata.PATH) is None:
        raise refusal("system-backup-no-data", program="mksysb", path=imagedata.PATH)
    if "m" in given:
        files, inside = machine.locate(maps)
        first += [f"{maps}/{name}" for name in files.listdir(inside)]
    if machine.read_file(BOSINST) is None:
        machine.write_file(BOSINST, _bosinst(machine))
    plan = _Plan("mksysb", ROOTVG, operands[0], first, "e" in given, "p" not in given, "v" in given, given.get("b"))
    return plan.run(machine, stdout, stderr)


def savevg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Write the mounted file systems of a user volume group as one archive, with what describes the group in front."""
    given, operands = flags(argv, "iemXpvVaf:b:", mixed=True, operands=1)
    demand("f" in given)
    (group,) = operands
    _check_target(machine, "savevg", given["f"])
    varied_on_group(machine, group, "savevg")
    path = f"{MAPS}/{group}/{group}.data"
    if {"i", "m"} & set(given):
        print(message("group-backup-information", group=group), file=stdout)
        machine.make_directory(f"{MAPS}/{group}")
        machine.write_file(path, describe(machine, group)[0])
    elif machine.read_file(path) is None:
        raise refusal("system-backup-no-data", program="savevg", path=path)
    plan = _Plan("savevg", group, given["f"], [path], "e" in given, "p" not in given, "v" in given, given.get("b"))
    return plan.run(machine, stdout, stderr)


@dataclass(frozen=True)
class _Plan:
    """What `mksysb` and `savevg` have in common."""

    program: str
    group: str
    device: str
    first: list[str]
    excluding: bool
    pack: bool
    verbose: bool
    blocking: str | None

    def run(self, machine: Machine, stdout: TextIO, stderr: TextIO) -> int:
        """Write the archive."""
        block_size = blocking(self.blocking)
        matches = self._exclude_list(machine)
        print(message("system-backup-list"), file=stdout)
        try:
            found = list(self._members(machine, matches))
            print(message("system-backup-count", count=len(found)), file=stdout)
            told = self._said(stdout) if self.verbose else None
            done = archives.write(machine, self.device, found, pack=self.pack, block_size=block_size, told=told)
        except LvmfmtError as error:
            raise refusal("system-backup-failed", program=self.program, device=self.device, reason=error) from error
        print(message("system-backup-progress", done=done.members, count=len(found), share=100), file=stdout)
        for problem in done.problems:
            print(message("backup-incomplete", program=self.program, reason=problem), file=stderr)
        print(message("system-backup-done", program=self.program), file=stdout)
        return 1 if done.problems else 0

    def _members(self, machine: Machine, matches: exclude.Matcher) -> Iterator[Member]:
        names = [archives.name_of(path) for path in self.first]
        yield from archives.named(machine, [name.decode("utf-8", "surrogateescape") for name in names], lambda _: None)
        others = {*names, archives.name_of(archives.absolute(self.device))}
        points = [point for point, _ in archives.mounted_of(machine, self.group)]
        roots = {archives.name_of(point) for point in points}

        def leave_out(name: bytes) -> bool:
            return name in others or (name not in roots and bool(matches(name)))

        yield from archives.trees(machine, points, leave_out)

    def _exclude_list(self, machine: Machine) -> exclude.Matcher:
        path = f"/etc/exclude.{self.group}"
        data = machine.read_file(path) if self.excluding else b""
        if data is None:
            reason = "there is no such file on the host"
            raise refusal("exclude-list-bad", program=self.program, path=path, reason=reason)
        try:
            return exclude.parse(data)
        except LvmfmtError as error:
            raise refusal("exclude-list-bad", program=self.program, path=path, reason=error.what) from error

    def _said(self, stdout: TextIO) -> Callable[[Member], None]:
        def told(member: Member) -> None:
            name = member.name.decode("utf-8", "surrogateescape")
            print(message("backup-added", size=member.size, name=name), file=stdout)

        return told


def lsmksysb(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List the files of an image, or what it says of its volume group (`-l`); `-s` is one of a user volume group."""
    given, operands = flags(argv, "lsf:b:", mixed=True)
    demand("f" in given and not operands)
    device = given["f"]
    _check_file("lsmksysb", device)
    archive = archives.read(machine, "lsmksysb", device)
    if "l" in given:
        for line in describe_image(machine, group_data(archive, "lsmksysb", device), describes_only(archive)):
            print(line, file=stdout)
        return 0
    try:
        for member in archive:
            print(printable(member.name), file=stdout)
    except (CorruptImage, UnsupportedFeature) as error:
        print(message("backup-incomplete", program="lsmksysb", reason=error), file=stderr)
        return 1
    return 0


def group_data(archive: Archive, program: str, device: str) -> bytes:
    """The file of an image that describes its volume group, rootvg or another.

    Raises:
        CommandFailed: there is none.
    """
    try:
        for member in archive:
            if (member.name == b"./image.data" or GROUP_DATA.fullmatch(member.name)) and member.size <= _MAX_DATA:
                return member.read()
    except (CorruptImage, UnsupportedFeature) as error:
        raise refusal("backup-no-archive", program=program, device=device, reason=error) from None
    raise refusal("system-backup-no-group", program=program, device=device)


def parse_group(data: bytes, program: str, where: str) -> imagedata.ImageData:
    """What an image describes, as a plan whose parts fit together.

    Raises:
        CommandFailed: it makes no sense.
    """
    try:
        plan = imagedata.parse(data, where=where)
    except CorruptImage as error:
        raise refusal("backup-incomplete", program=program, reason=error) from None
    names = [volume.name for volume in plan.volumes]
    points = [targets.mount_point(point, program) for point, _ in plan.file_systems]
    for what in (names, points, [volume for _, volume in plan.file_systems]):
        twice = next((name for name in what if what.count(name) > 1), None)
        if twice is not None:
            raise refusal("image-inconsistent", program=program, reason=f"{twice} is there twice")
    for point, volume in plan.file_systems:
        if volume not in names:
            reason = f"{point} lies on {volume}, which is not described"
            raise refusal("image-inconsistent", program=program, reason=reason)
    return plan


def describes_only(archive: Archive) -> bool:
    """Whether an image holds what describes a group and no file of it, as `savevg -r` of AIX writes it."""
    try:
        return not any(not member.name.startswith(_DESCRIBING) for member in archive)
    except (CorruptImage, UnsupportedFeature):
        return False  # something follows


def describe_image(machine: Machine, data: bytes, data_only: bool) -> list[str]:
    """The lines of `lsmksysb -l`; `data_only` says that the image holds no files."""
    found = stanza.parse(data, structure="image_data", comment="#", where=imagedata.PATH)
    head, group = _one(found, "image_data"), _one(found, "vg_data")
    volumes = [s.items for s in found if s.name == "lv_data"]
    size = sum(_number(v, "PP") * _number(v, "PP_SIZE") for v in volumes)
    shrunk = sum(_number(v, "LV_MIN_LPS") * _number(v, "COPIES") * _number(v, "PP_SIZE") for v in volumes)
    name, level = group.get("VGNAME", ""), head.get("OSLEVEL", "")
    version, release, technology = [*level.split("."), "", "", ""][:3]
    values = (
        ("image-group", name), ("image-date", head.get("DATE_TIME", "")), ("image-uname", head.get("UNAME_INFO", "")),
        ("image-oslevel", level), ("image-maintenance", "-".join((version + release + "00", technology.zfill(2)))),
        ("image-size", size), ("image-shrink-size", shrunk), ("image-data-only", "yes" if data_only else "no"),
    )  # fmt: skip
    lines = [message(key, value=value) for key, value in values]
    lines += ["", f"{printable(name)}:", rows.lsvg_volumes_header(machine.profile)]
    for volume in volumes:
        disks = len(volume.get("LV_SOURCE_DISK_LIST", "").split())
        row = (volume.get("LOGICAL_VOLUME", ""), volume.get("TYPE", ""), _number(volume, "LPs"), _number(volume, "PP"))
        point = volume.get("MOUNT_POINT", "") or "N/A"
        lines.append(rows.lsvg_volumes_row(machine.profile, *row, disks, volume.get("LV_STATE", ""), point))
    return lines


def _one(found: list[Stanza], name: str) -> dict[str, str]:
    items = next((s.items for s in found if s.name == name), None)
    if items is None:
        raise CorruptImage("image_data", name, expected="a stanza", found="none", where=imagedata.PATH)
    return dict(items)


def _number(items: dict[str, str], key: str) -> int:
    text = items.get(key, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _bosinst(machine: Machine) -> bytes:
    """What an installation from the image would ask: its answers, and the disks that rootvg was on."""
    group = machine.group(ROOTVG)
    pvids = list(group.physical_volumes)
    control = {
        "CONSOLE": "Default", "INSTALL_METHOD": "overwrite", "PROMPT": "yes", "EXISTING_SYSTEM_OVERWRITE": "yes",
        "RECOVER_DEVICES": "Default", "BOSINST_DEBUG": "no",
    }  # fmt: skip
    locale = {"BOSINST_LANG": "", "CULTURAL_CONVENTION": "", "MESSAGES": "", "KEYBOARD": ""}
    stanzas = [Stanza("control_flow", control), Stanza("locale", locale)]
    for pvid, name in zip(pvids, machine.disk_names(pvids), strict=True):
        device = group.physical_volumes[pvid].device
        size = device.size >> 20 if device else 0
        stanzas.append(
            Stanza("target_disk_data", {"PVID": pvid, "PHYSICAL_LOCATION": "", "CONNECTION": "", "LOCATION": "",
                                        "SIZE_MB": str(size), "HDISKNAME": name})
        )  # fmt: skip
    return stanza.build(stanzas, "    {key} = {value}")


def _check_file(program: str, device: str) -> None:
    if device == "-" or device.startswith("/dev/"):
        raise refusal("backup-unsupported", program=program, what=f"{device} as the archive")


def _check_target(machine: Machine, program: str, device: str) -> None:
    """Raise `CommandFailed` if no archive can be made there; before anything is written."""
    _check_file(program, device)
    path = archives.absolute(device)
    files, inside = machine.locate(path.rpartition("/")[0] or "/")
    if not files.exists(inside) or not files.stat(inside).is_directory:
        raise refusal("backup-cannot-open", program=program, device=device)
    files, inside = machine.locate(path)
    if files.exists(inside) and not files.stat(inside).is_file:
        raise refusal("backup-unsupported", program=program, what=f"{device} as the archive")


COMMANDS = {
    "lsmksysb": Command(lsmksysb),
    "mksysb": Command(mksysb, changes=True),
    "savevg": Command(savevg, changes=True),
}
