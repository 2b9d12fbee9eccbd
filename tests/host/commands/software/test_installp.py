"""Software: installp on the running system, and on a clone (`alt_disk_copy -b -w -l`, `alt_rootvg_op -C`)."""

import pytest
from lpp_packages import package

from lvmfmt.host import Host
from lvmfmt.host.commands.software import installp

from ...conftest import Box
from ..alternate.test_alt_disk_copy import get, on_disk, put


@pytest.fixture
def images(single: Box) -> Box:
    """A host with a directory of packages: a program, its update, an update of bos.rte, and a file that is none."""
    with Host.open(single.path).machine(print, writable=True) as machine:
        files, inside = machine.locate("/tmp/images")
        files.mkdir(inside, now=machine.origin.now())
    base = {"/usr/lib/tool": b"tool 1\n" * 500, "/usr/lpp/tool/inst_root/etc/tool.conf": b"colour = blue\n"}
    put(single, "/tmp/images/tool.rte.1.0.0.0.I", package("tool.rte", "1.0.0.0", base))
    put(
        single, "/tmp/images/tool.rte.1.0.0.2.U", package("tool.rte", "1.0.0.2", {"/usr/lib/tool": b"tool 2"}, kind="S")
    )
    files_of_bos = {"/usr/lib/boot/unix_64": b"a new kernel" * 4000}
    put(single, "/tmp/images/U1.bff", package("bos.rte", "5.3.7.1", files_of_bos, kind="S", boot="b"))
    put(single, "/tmp/images/README", b"not a package\n")
    return single


def test_listing(images: Box) -> None:
    rows = [line.split() for line in images.good("installp -l -d /tmp/images")[1:]]
    assert rows == [["bos.rte", "5.3.7.1", "U"], ["tool.rte", "1.0.0.0", "I"], ["tool.rte", "1.0.0.2", "U"]]


def test_a_program_and_its_update(images: Box) -> None:
    printed = images.good("installp -ac -d /tmp/images tool.*")
    assert [line.split() for line in printed[-2:]] == [
        ["tool.rte", "1.0.0.0", "USR", "APPLY", "SUCCESS"], ["tool.rte", "1.0.0.2", "USR", "APPLY", "SUCCESS"],
    ]  # fmt: skip
    assert get(images, "/usr/lib/tool") == b"tool 2" and get(images, "/etc/tool.conf") == b"colour = blue\n"
    assert images.good("lslpp -Lqc tool.rte") == ["tool.rte:1.0.0.2::C:F:A program:"]
    with Host.open(images.path).machine(print, writable=False) as machine:
        usr = machine.mounted("/usr")
        assert usr.stat("/").uid != 7  # a directory that is there stays as it is
        assert usr.stat("/lib/tool").mode & 0o7777 == 0o755
    again = images.run("installp -ac -d /tmp/images tool.rte")
    assert again.status == 1 and "installed already" in again.err[0]


def test_applied_is_not_committed_and_a_preview_changes_nothing(images: Box) -> None:
    images.good("installp -a -d /tmp/images tool.rte")
    assert images.good("lslpp -Lqc tool.rte")[0].split(":")[3] == "A"
    before = images.digests()
    assert "PREVIEW" in images.good("installp -ap -d /tmp/images all")[-1]
    assert images.digests() == before


def test_an_update_of_the_system_makes_a_boot_image(images: Box) -> None:
    before = images.good("bosboot -a")
    printed = images.good("installp -ac -d /tmp/images bos.rte")
    assert printed[-1].startswith("bosboot: Boot image is") and printed[-1] != before[0]
    assert images.good("oslevel -s") == ["5300-07-01-0000"]  # technology level 7, service pack 1
    images.good("shutdown -Fr")
    assert images.good("oslevel -r") == ["5300-07"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("installp -a -d /nowhere all", "no directory /nowhere"),
        ("installp -a -d /etc all", "holds no package"),
        ("installp -a -d /tmp/images other.rte", "other.rte"),
        ("installp -u tool.rte", "-u is not supported"),
        ("alt_disk_copy -l /tmp/images -d hdisk1", "-b or -w"),
        ("alt_disk_copy -b update_all -d hdisk1", "-l"),
        ("alt_disk_copy -b /etc/no.bundle -l /tmp/images -d hdisk1", "/etc/no.bundle"),
        ("alt_disk_copy -w other.rte -l /tmp/images -d hdisk1", "other.rte"),
        ("alt_disk_copy -F IY123 -l /tmp/images -d hdisk1", "-F"),
        ("alt_disk_copy -w tool.rte -I -Z -l /tmp/images -d hdisk1", "-Z"),
    ],
)
def test_refusals(images: Box, line: str, words: str) -> None:
    before = images.digests()
    result = images.run(line)
    assert result.status == 1 and words in result.err[0], result
    assert images.digests() == before


def test_an_update_without_what_it_updates(images: Box) -> None:
    update = package("other.rte", "1.0.0.1", {"/usr/lib/other": b"x"}, kind="S")
    put(images, "/tmp/images/other.U", update)
    result = images.run("installp -a -d /tmp/images other.rte")
    assert result.status == 1 and "is not installed" in result.err[0]
    assert get(images, "/usr/lib/other") is None


def test_what_a_package_cannot_do(images: Box) -> None:
    put(images, "/tmp/images/evil.bff", package("evil.rte", "1.0.0.0", {"/../../etc/passwd": b"me"}))
    result = images.run("installp -a -d /tmp/images evil.rte")
    assert result.status == 1 and "leads out" in result.err[0] and result.out[-1].endswith("FAILED")
    assert images.good("lslpp -Lqc evil.rte")[0].split(":")[3] == "B"
    assert get(images, "/etc/passwd") != b"me"


def test_the_clone_is_updated_and_the_running_system_is_not(images: Box) -> None:
    kernel = get(images, "/usr/lib/boot/unix_64")
    printed = images.good("alt_disk_copy -b update_all -l /tmp/images -d hdisk1")
    assert "Installing bos.rte 5.3.7.1 on the alternate disk." in printed
    assert not any("tool" in line for line in printed)  # it is not installed, so there is nothing to update
    assert images.good("oslevel -r") == ["5300-00"] and get(images, "/usr/lib/boot/unix_64") == kernel
    images.good("shutdown -Fr")
    assert images.good("bootinfo -b") == ["hdisk1"]
    assert images.good("oslevel -s") == ["5300-07-01-0000"]
    assert get(images, "/usr/lib/boot/unix_64") == b"a new kernel" * 4000


def test_a_clone_gets_software_later(images: Box) -> None:
    put(images, "/tmp/bundle", b"# what we need\nI:tool.rte\n")
    images.good("alt_disk_copy -d hdisk1 -B")
    images.good("alt_rootvg_op -W -d hdisk1")
    images.good("alt_rootvg_op -C -b /tmp/bundle -l /tmp/images -I acgX")
    assert get(images, "/alt_inst/usr/lib/tool") == b"tool 2" and get(images, "/usr/lib/tool") is None
    images.good("alt_rootvg_op -S -t")
    assert on_disk(images, "hdisk1", "/etc/tool.conf") == b"colour = blue\n"
    assert get(images, "/etc/tool.conf") is None


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in installp.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"installp"} and set(installp.COMMANDS) - writes == set()
