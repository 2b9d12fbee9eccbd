"""Every flag that is documented for a command [commands 1 to 6] is known: it works, or is refused plainly.

None of them is answered with the usage, which would say that there is no such flag. The operands do not exist, so that
nothing is done.
"""

import io
import shlex
import subprocess

import pytest

from lvmfmt.host import Host, registry

from .conftest import Lab

DOCUMENTED = {
    # [commands 1]
    "lspv": ("-l; -p; -M; -L; -n hdisk0", "hdisk99"),
    "lsvg": ("-l; -p; -M; -m; -L", "nowhere"),
    "lslv": ("-l; -m; -n hdisk0; -L; -p hdisk0", "nolv"),
    "lsfs": ("-c; -q; -l", "/nowhere"),
    "lsps": ("-c", "nolv"),
    # [commands 2]
    "mkvg": ("-B; -S; -S -v 512; -S -P 64; -t 2; -s 16; -f; -n; -C; -i; -V 99; -y newvg", "hdisk99"),
    "extendvg": ("-f; -p pool", "nowhere hdisk1"),
    "reducevg": ("-d; -df", "nowhere hdisk1"),
    "mirrorvg": ("-S; -s; -c 3; -Q; -m", "nowhere"),
    "unmirrorvg": ("-c 2", "nowhere"),
    "mklvcopy": ("-k; -a e; -e x; -s n", "nolv 2"),
    "syncvg": ("-f -v; -i -v; -P 4 -v; -l; -p; -v", "nolv"),
    "migratepv": ("-l hd4; -i", "hdisk99 hdisk1"),
    "mklv": ("-y new; -Y pre; -t jfs2; -c 2; -L /x; -a ie; -e x; -b n; -r n; -v y; -w p; -d s; -s s; -u 3; -x 900;"
             " -o n; -U root; -G system; -P 660", "nowhere 1"),
    "rmlv": ("-f; -B -f; -f -p hdisk0", "nolv"),
    "chlv": ("-n new; -x 600", "nolv"),
    "chvg": ("-a y; -Q n; -t 2; -B; -G; -u; -L 256; -b y", "nowhere"),
    "chpv": ("-a y; -v a; -c; -C; -p pool", "hdisk99"),
    "varyonvg": ("-b; -c; -f; -n; -p; -r; -s; -t; -u; -M 256K; -O", "nowhere"),
    "varyoffvg": ("-s", "nowhere"),
    "importvg": ("-y new; -V 99; -n; -f; -F; -R; -L rootvg", "hdisk99"),
    "exportvg": ("-b", "nowhere"),
    # [commands 3]
    "cfgmgr": ("-v -l hdisk99; -l hdisk99", ""),
    "rmdev": ("-l; -dl", "hdisk99"),
    "rendev": ("-n new -l", "hdisk99"),
    "lqueryvg": ("-Atp; -p", "hdisk99"),
    "getlvcb": ("-AT; -T -a", "nolv"),
    "putlvcb": ("-t jfs2; -L /x; -f vfs=jfs2", "nolv"),
    "redefinevg": ("-d hdisk99", "newvg"),
    "synclvodm": ("-v", "nowhere"),
    "getlvodm": ("-j", "hdisk99"),
    "bootinfo": ("-s; -B", "hdisk99"),
    # [commands 4]
    "crfs": ("-v jfs2 -g nowhere -a size=1G -m; -v jfs2 -d nolv -A yes -p ro -t no -m;"
             " -v jfs2 -g nowhere -a logname=INLINE -a size=1G -m; -v jfs2 -g nowhere -a agblksize=4096 -a size=1G -m;"
             " -v jfs2 -g nowhere -a isnapshot=yes -m", "/new"),
    "mkfs": ("-V jfs2; -o log=loglv00; -l name", "/dev/nolv"),
    "logform": ("-V jfs2", "/dev/nolv"),
    "rmfs": ("-r", "/nowhere"),
    "chfs": ("-a size=+1G; -m /new; -A yes; -a logname=loglv00; -a log=loglv00; -a freeze=60; -a freeze=off;"
             " -a refreeze=60; -a splitcopy=/x -a copy=2", "/nowhere"),
    "mount": ("-v jfs2 -o snapshot /dev/nolv", "/mnt"),
    "umount": ("-f", "/nowhere"),
    "logredo": ("-n", "/dev/nolv"),
    "fsck": ("-y; -n; -p; -f; -o nolog; -V jfs2", "/dev/nolv"),
    "fscklog": ("-p", "/dev/nolv"),
    "splitvg": ("-y new; -c 2; -f; -i", "nowhere"),
    "joinvg": ("-f", "nowhere"),
    # [commands 5]
    "bosboot": ("-a -d; -aq -d", "/dev/hdisk99"),
    "bootlist": ("-m normal; -m service; -m both; -m normal -o; -m normal -ov; -m normal -r", "hdisk99"),
    "mksysb": ("-i; -e; -m; -im", "/no/such/directory/file"),
    "alt_disk_copy": ("-d; -i /no -d; -s /no -d; -b update_all -l /no -d; -I acgX -w all -l /no -d;"
                      " -f /no -d; -F IX1 -d; -e /no -d; -n -d; -P 1 -d; -P 12 -d; -P all -d;"
                      " -O -c /dev/tty0 -d; -x /no -d; -R /no -d; -D -d; -B -d; -O -d;"
                      " -V -d; -g -d; -r -d; -u -d; -T -d; -S -d; -Bd", "hdisk99"),
    "alt_rootvg_op": ("-q -d; -v new -d; -W -d; -D -W -d; -X", "hdisk99"),
    "alt_disk_mksysb": ("-d; -i /no -d; -s /no -d; -R /no -d; -p chrp -d; -L -d; -n -d; -P 1 -d; -O -c /dev/tty0 -d;"
                        " -K -d; -D -d; -B -d; -V -d; -g -d; -k -d; -r -d; -y -d; -z -d; -T -d; -S -d; -C -d",
                        "hdisk99 -m /no"),
    "alt_disk_install": ("-C; -d /no; -W; -v new; -q", "hdisk99"),
    # [commands 6]
    "recreatevg": ("-y new; -p; -f; -Y x; -Y NA; -L /x; -L /; -l /no; -n; -V 99; -d; -O", "hdisk99"),
}  # fmt: skip
"""Command -> its flags, a call each, and the operands that follow."""


@pytest.fixture(scope="module")
def shared(pattern: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    path = tmp_path_factory.mktemp("flags") / "host"
    subprocess.run(["cp", "-r", "--sparse=always", str(pattern.path), str(path)], check=True)
    return Lab(path, pattern.report)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_flags_are_known(shared: Lab, name: str) -> None:
    lines, operands = DOCUMENTED[name]
    before = shared.digests()
    results = []
    with Host.open(shared.path).session(print) as session:
        for line in lines.split(";"):
            argv = [name, *shlex.split(line), *operands.split()]
            out, err = io.StringIO(), io.StringIO()
            results.append((argv, session.run(argv, out, err, io.StringIO()), err.getvalue() + out.getvalue()))
    for argv, status, text in results:
        assert status not in (0, registry.USAGE_STATUS) and text.strip(), (argv, status, text)
        assert not text.lower().startswith("usage:"), (argv, text)
    assert shared.digests() == before
