"""`lvmfmt fs mkfs|logform|resize|identity` as a user calls them.

Tests of `lvmfmt.cli.fs_make` and `lvmfmt.cli.fs_change`.
"""

import subprocess

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli.fs_make import device_number, instant
from lvmfmt.cli.main import main
from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import LINUX
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.log import open_log
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import MIB

UUID = "00112233-4455-6677-8899-aabbccddeeff"


def run(*args):
    return main(["fs", *map(str, args)])


def values(path):
    with ImageFile(path) as device:
        assert [f for f in check(device).findings if f.name != "log-superblock"] == []
        return read_superblock(device).values


@pytest.mark.parametrize("verb", ["mkfs", "logform"])
def test_what_others_have_on_a_disk_is_not_replaced_unasked(verb, tmp_path, capsys):
    disk, other, log = (tmp_path / name for name in ("hdisk0.img", "other.img", "log.img"))
    with ImageFile.create(disk, 64 * MIB) as image:
        VolumeGroup.create([image], origin=SeededOrigin(1))
    with ImageFile.create(other, 64 * MIB) as image:
        image.write(512, b"EFI PART")
    assert run("logform", log, "--size", "16M") == 0
    for path, what in ((disk, "volume group"), (other, "GPT"), *([(log, "a log")] if verb == "mkfs" else [])):
        before = path.read_bytes()
        assert run(verb, path) == 2
        assert what in capsys.readouterr().err and path.read_bytes() == before
        assert run(verb, path, "--force") == 0


def test_mkfs_of_a_new_image(tmp_path, capsys):
    image = tmp_path / "new.img"
    assert run("mkfs", image) == 2
    assert not image.exists()
    assert run("mkfs", image, "--size", "64M", "--block-size", "1024", "--label", "/data", "--pack", "fslv00") == 0
    found = values(image)
    assert (found["s_bsize"], found["s_fname"], found["s_fpack"]) == (1024, b"/data", b"fslv00")
    assert "blocks of 1024" in capsys.readouterr().out
    before = image.read_bytes()
    assert run("mkfs", image) == 2  # there is a file system
    assert image.read_bytes() == before
    assert run("mkfs", image, "--force", "--superblock", "v2", "--ea", "v2", "--log", "inline:512K") == 0
    found = values(image)
    assert (found["s_version"], found["s_feature_incompat"], found["s_logpxd"]["len"]) == (2, 2, 128)


@pytest.mark.judge
def test_mkfs_with_time_and_identity_as_jfs_mkfs(judge, tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    with theirs.open("wb") as f:
        f.truncate(32 * MIB)
    subprocess.run([judge("jfs_mkfs"), "-q", "-L", "data", theirs], check=True, capture_output=True)
    record = LINUX.structures.superblock
    a = np.fromfile(theirs, np.uint8)
    found = record.parse(a[0x8000:0x9000])
    import uuid

    identity = str(uuid.UUID(bytes=bytes(found.s_uuid)))
    options = ("--label", "data", "--uuid", identity, "--time", found.s_time.tv_sec * 10**9)
    assert run("mkfs", ours, "--size", "32M", "--dialect", "linux", *options) == 0
    b = np.fromfile(ours, np.uint8)
    log = found.s_logpxd.addr_lo * 4096
    for start in (0x8000, 0xF000):
        a[start + record.offset_of("s_loguuid") :][:16] = 0
    a[log + 2 * 4096 :].reshape(-1, 4096)[:, 8:-8] = b[log + 2 * 4096 :].reshape(-1, 4096)[:, 8:-8]
    assert (a == b).all()


def test_time_as_text(tmp_path):
    image = tmp_path / "i"
    assert run("mkfs", image, "--size", "16M", "--time", "2009-11-10T12:00:00.5+02:00") == 0
    time = values(image)["s_time"]
    assert (time["tv_sec"], time["tv_nsec"]) == (1_257_847_200, 500_000_000)
    for wrong in ("yesterday", "2009-11-10", "2009-11-10T12:00:00"):
        assert run("mkfs", image, "--force", "--time", wrong) == 2


def test_external_logs(tmp_path, capsys):
    log, image = tmp_path / "log.img", tmp_path / "fs.img"
    assert run("logform", log, "--size", "1M", "--dialect", "linux", "--uuid", UUID) == 0
    assert run("mkfs", image, "--size", "16M", "--dialect", "linux", "--log", f"external:{log}") == 0
    assert bytes(values(image)["s_loguuid"]).hex() == UUID.replace("-", "")
    assert run("logform", log, "--dialect", "linux") == 0
    with ImageFile(log) as device:
        assert bytes(open_log(device, LINUX).values["uuid"]).hex() == UUID.replace("-", "")
    assert run("mkfs", image, "--force", "--log", "external:39,1") == 0
    assert values(image)["s_logdev"] == 0x8000002700000001
    for wrong in ("external", "external:x", "outside", "external:1,2,3"):
        assert run("mkfs", image, "--force", "--log", wrong) == 2
    assert run("logform", image) == 2
    assert "file system" in capsys.readouterr().err


def test_resize(tmp_path, capsys):
    image = tmp_path / "fs.img"
    assert run("mkfs", image, "--size", "64M") == 0
    assert run("resize", image, "200M") == 0
    assert image.stat().st_size == 200 * MIB
    assert values(image)["s_size"] * 512 > 190 * MIB
    assert run("resize", image, "32M") == 0
    assert image.stat().st_size == 200 * MIB and values(image)["s_size"] * 512 < 32 * MIB
    assert run("resize", image, "max", "--log-size", "4M") == 0
    assert values(image)["s_logpxd"]["len"] == 1024
    assert run("resize", image, "500M", "--log-size", "400M") == 2
    assert image.stat().st_size == 200 * MIB
    assert "tenth" in capsys.readouterr().err


def test_identity(tmp_path, capsys):
    image = tmp_path / "fs.img"
    assert run("mkfs", image, "--size", "16M") == 0
    assert run("identity", image, "--fname", "/alt", "--fpack", "alt_hd", "--log-device", "10,5") == 0
    found = values(image)
    assert (found["s_fname"], found["s_fpack"], found["s_logdev"]) == (b"/alt", b"alt_hd", 0x8000000A00000005)
    assert "1024 bytes written" in capsys.readouterr().out
    assert run("identity", image, "--label", "x") == 2
    assert run("identity", image, "--fname", "/too-long") == 2


@pytest.mark.parametrize(("text", "number"), [
    ("0,0", 0), ("10,5", 10 << 32 | 5), ("0x7fffffff,0xffffffff", 0x7FFFFFFFFFFFFFFF), ("2147483648,0", None),
    ("0,4294967296", None), ("-1,0", None), ("0,-1", None), ("1", None), ("1,2,3", None), ("a,b", None),
])  # fmt: skip
def test_device_numbers(text, number):
    if number is None:
        with pytest.raises(OperationRefused, match="MAJOR,MINOR"):
            device_number(text)
    else:
        assert device_number(text) == number


@pytest.mark.parametrize(("text", "found"), [
    ("0", 0), ("1" * 19, int("1" * 19)), ("1970-01-01T00:00:01Z", 10**9), ("1970-01-01 01:00:00.000000001+01:00", 1),
    ("1970-01-01t00:00:00.25z", 250_000_000),
])  # fmt: skip
def test_instants(text, found):
    assert instant(text) == found


def test_sizes_and_logs_that_do_not_fit(tmp_path, capsys):
    image = tmp_path / "fs.img"
    assert run("mkfs", image, "--size", "32M", "--log-size", "1M", "--log", "inline:1M") == 2
    assert "twice" in capsys.readouterr().err
    assert run("mkfs", image, "--size", "32M", "--log", "external:1,1", "--log-size", "1M") == 2
    assert run("mkfs", image, "--size", "32M", "--log-size", "1M") == 0
    assert values(image)["s_logpxd"]["len"] == 256
    assert run("mkfs", image, "--force", "--size", "33M") == 2
    assert "not 34603008" in capsys.readouterr().err
    assert run("mkfs", image, "--force", "--size", "32M") == run("mkfs", image, "--force", "--size", "16M") == 0
    assert image.stat().st_size == 32 * MIB and values(image)["s_size"] * 512 < 16 * MIB
    assert run("mkfs", image, "--force", "--dialect", "linux", "--label", "data") == 0
    assert bytes(values(image)["s_fpack"]).rstrip(b"\0") == b"data"
