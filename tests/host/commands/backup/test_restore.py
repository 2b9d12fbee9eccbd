"""`backup` and `restore`: archives in files of the host. Most texts are recalled, as texts/backup.toml says."""

from lvmfmt.backup import Archive, Member, write_archive
from lvmfmt.host import Host
from lvmfmt.host.commands.backup import restore
from lvmfmt.origin import FixedOrigin


def status_of(box, path):
    with Host.open(box.path).machine(print, writable=False) as machine:
        files, inside = machine.locate(path)
        found = files.stat(inside)
        return found.mode, found.uid, found.gid, found.mtime // 10**9


def read(box, path):
    with Host.open(box.path).machine(print, writable=False) as machine:
        return machine.read_file(path)


def put(box, path, *members, pack=False):
    """An archive in a file of the host."""
    data = bytearray()
    write_archive(data.extend, members, origin=FixedOrigin(10**18), pack=pack)
    with Host.open(box.path).machine(print, writable=True) as machine:
        machine.write_file(path, bytes(data))


def file(name, data, **fields):
    return Member(name, content=lambda: iter([data]), **{"mode": 0o100644, "size": len(data), **fields})


def test_what_is_backed_up_is_listed_and_comes_back(single) -> None:
    names = ["./etc", "./etc/f5", "/home/user/f2", "./home", "./unix", "usr/lib/f0", "./tmp/a.bff"]
    out = single.good("backup -ivqf /tmp/a.bff", "\n".join(names))
    assert out[:3] == [
        "Backing up to /tmp/a.bff", "Cluster size is 51200 bytes (100 blocks).", "The volume number is 1.",
    ]  # fmt: skip
    # small_tree: file i holds "file i" and a newline i * 11 times
    assert "a          385 ./etc/f5" in out and "a          154 /home/user/f2" in out
    assert out[-2] == f"The total size is {385 + 154 + len('/usr/lib/boot/unix_64')} bytes."
    assert out[-1].endswith("there are 100 blocks on 1 volumes.")

    assert single.good("restore -Tqf /tmp/a.bff")[-6:] == names[:6]  # not the archive itself
    listed = single.good("restore -Tvqf /tmp/a.bff")
    assert listed[0] == "New volume on /tmp/a.bff:" and listed[-1] == "The number of archived files is 6."

    before = status_of(single, "/etc/f5")
    with Host.open(single.path).machine(print, writable=True) as machine:
        now = machine.origin.now()
        machine.write_file("/etc/f5", b"broken")
        machine.locate("/home/user/f2")[0].remove("/user/f2", now=now)
    out = single.good("restore -xvqf /tmp/a.bff")
    assert out[-2:] == ["The total size is 560 bytes.", "The number of restored files is 6."]
    assert read(single, "/etc/f5") == b"file 5\n" * 55 and read(single, "/home/user/f2") == b"file 2\n" * 22
    assert status_of(single, "/etc/f5") == before


def test_packed_is_smaller_and_comes_back(single) -> None:
    single.good("backup -ipqf /tmp/p.bff -b 1", "./etc/f179\n")
    single.good("backup -iqf /tmp/a.bff -b 1", "./etc/f179\n")
    packed, plain = len(read(single, "/tmp/p.bff")), len(read(single, "/tmp/a.bff"))
    assert packed < plain and plain % 512 == packed % 512 == 0
    single.good("restore -xqf /tmp/p.bff")
    assert read(single, "/etc/f179") == b"file 179\n" * 179 * 11


def test_only_what_is_named(single) -> None:
    put(single, "/tmp/a", file(b"./tmp/d/one", b"1"), file(b"./tmp/d/two", b"2"), file(b"./tmp/e", b"e"))
    result = single.run("restore -xvqf /tmp/a ./tmp/d/two /tmp/none")
    assert result.status == 1 and result.err == ["restore: /tmp/none is not in the archive."]
    assert read(single, "/tmp/d/two") == b"2" and read(single, "/tmp/d/one") is None
    single.good("restore -xdqf /tmp/a ./tmp/d")
    assert read(single, "/tmp/d/one") == b"1" and read(single, "/tmp/e") is None


def test_every_kind_of_file(single) -> None:
    put(
        single, "/tmp/a",
        Member(b"./tmp/d", 0o42750, nlink=2, uid=7, gid=8, mtime=1000),
        file(b"./tmp/d/f", bytes(9000) + b"end", mode=0o104711, nlink=2, key=5, mtime=2000, uid=9),
        file(b"./tmp/d/hard", bytes(9000) + b"end", mode=0o104711, nlink=2, key=5, mtime=2000, uid=9),
        Member(b"./tmp/l", 0o120777, size=3, target=b"d/f"),
        Member(b"./tmp/null", 0o20666, rdev=2 << 32 | 2),
        Member(b"./tmp/pipe", 0o10600, mtime=5),
        pack=True,
    )  # fmt: skip
    for _ in range(2):  # over what is there, too
        single.good("restore -xqf /tmp/a")
        assert status_of(single, "/tmp/d") == (0o42750, 7, 8, 1000)
        assert status_of(single, "/tmp/d/f") == (0o104711, 9, 0, 2000)
        assert read(single, "/tmp/d/hard") == bytes(9000) + b"end"
    with Host.open(single.path).machine(print, writable=False) as machine:
        files, _ = machine.locate("/tmp/d")
        f, hard = files.stat("/d/f"), files.stat("/d/hard")
        assert f.number == hard.number and f.nlink == 2
        assert f.blocks == 1  # 8 KiB of zeros became a hole
        assert files.readlink("/l") == "d/f" and files.stat("/null").rdev == 2 << 32 | 2
    single.good("restore -xqef /tmp/a")
    with Host.open(single.path).machine(print, writable=False) as machine:
        assert machine.locate("/tmp/d")[0].stat("/d/f").blocks == 3
    single.good("restore -xqMf /tmp/a")
    assert status_of(single, "/tmp/d/f")[3] > 2000
    assert single.good("fsck -n /tmp")[-1] == "File system is clean."


def test_hostile_archives_stay_inside(single) -> None:
    put(
        single, "/tmp/a",
        file(b"../../escape", b"x"),
        Member(b"./tmp/way", 0o120777, size=4, target=b"/etc"),
        file(b"./tmp/way/passwd", b"x"),
        file(b"./etc", b"a file in place of a directory"),
        file(b"./tmp/fine", b"fine"),
    )  # fmt: skip
    result = single.run("restore -xqf /tmp/a")
    assert result.status == 1 and len(result.err) == 3
    assert read(single, "/tmp/fine") == b"fine" and read(single, "/etc/passwd") is None


def test_symlinks_that_were_there_are_followed(single) -> None:
    with Host.open(single.path).machine(print, writable=True) as machine:
        machine.root.mount.symlink("usr/lib", "/lib", now=1)
    put(single, "/tmp/a", file(b"./lib/new", b"through"))
    single.good("restore -xqf /tmp/a")
    assert read(single, "/usr/lib/new") == b"through"


def test_without_q_a_volume_is_asked_for(single) -> None:
    put(single, "/tmp/a", file(b"./tmp/f", b"f"))
    out = single.good("restore -Tf /tmp/a", "\n")
    assert out[0] == "Please mount volume 1 on /tmp/a." and out[-1] == "./tmp/f"


def test_names_that_are_not_there(single) -> None:
    result = single.run("backup -iqf /tmp/a", "./etc/f5\n./none\n../escape\n")
    assert result.status == 1 and result.err == [
        f"backup: 0511-449 An error occurred accessing {name}: A file or directory in the path name does not exist."
        for name in ("./none", "../escape")
    ]
    assert single.good("restore -Tqf /tmp/a")[-1] == "./etc/f5"


def test_what_does_not_fit_changes_nothing_of_the_file(single) -> None:
    single.good("backup -iqf /tmp/old", "./etc/f5\n")
    before = read(single, "/tmp/old")
    with Host.open(single.path).machine(print, writable=True) as machine:
        machine.locate("/home/x")[0].write_file("/big", b"\1" * (20 << 20), now=1)
        machine.locate("/opt/x")[0].write_file("/big", b"\2" * (20 << 20), now=1)
    result = single.run("backup -iqf /tmp/old", "./home/big\n./opt/big\n")
    assert result.status == 1 and result.err[0].startswith("backup: The archive /tmp/old cannot be written")
    assert read(single, "/tmp/old") == before


def test_refusals_change_no_byte(single) -> None:
    single.good("backup -iqf /tmp/a", "./etc/f5\n")
    before = single.digests()
    for line, status in (
        ("backup -f /tmp/b", 1),  # by inode
        ("backup -i", 2),
        ("backup -iqf -", 1),
        ("backup -iqf /no/such/folder/file", 1),
        ("backup -iqf /tmp/b -b 0", 2),
        ("backup -iZ", 2),
        ("restore -xf /tmp/none", 1),
        ("restore -rf /tmp/a", 1),
        ("restore -x", 2),
        ("restore -Tx -f /tmp/a", 2),
        ("restore -Tf /etc/f5", 1),
        ("restore -xqf /dev/rmt0", 1),
    ):
        result = single.run(line)
        assert (result.status, bool(result.err)) == (status, True), line
    assert single.digests() == before


def test_an_archive_of_the_outside(single, tmp_path) -> None:
    put(single, "/tmp/a", file(b"./tmp/f", b"from outside"))
    data = read(single, "/tmp/a")
    (tmp_path / "a.bff").write_bytes(data)
    with Archive(tmp_path / "a.bff") as archive:
        assert [m.read() for m in archive] == [b"from outside"]


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in restore.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"backup", "restore"} and set(restore.COMMANDS) - writes == set()
