"""How each command of the registry can be called wrongly: what it needs, and which of its words name something.

The words in braces stand for what a command line names: `disk`, `group`, `volume`, `device` (a disk or a volume), `fs`,
`file` (of the host that is there), `target` (a file that is to be written), `name` (of something new), `point` (a new
mount point), `class` (of the ODM), `number`, `size`. What has no braces exists on the host of the tests.
"""

from dataclasses import dataclass

UNKNOWN = {
    "disk": ["hdisk99"],
    "group": ["nowhere"],
    "volume": ["nolv"],
    "device": ["/dev/nolv"],
    "fs": ["/nowhere"],
    "file": ["/no/such/file", "no/such/file", "/etc"],
    "class": ["CuNo"],
    "number": ["-1", "1.5", "many", "99999999999999999999"],
    "size": ["1.5", "many", "99999999999999999999"],
    "target": ["/no/such/directory/file", "/dev/rmt0"],
    "name": [],
    "point": ["relative", "/a/../b", "/a b"],
}
LONG = ("n" * 16, "n" * 300)
"""One character more than a name may have, and many more."""
WRITTEN = ("target",)
"""What may have any name."""
HOSTILE = ("\x1b[2J{0}%s\udcff", "../../../../etc/passwd", "hd4/../hd4:x=y", "\u00e9\u202e")


@dataclass(frozen=True)
class Calls:
    """The bad calls of one command.

    Attributes:
        lines: calls that are refused for what they name.
        usage: calls that are no calls: operands missing or left over, flags that exclude each other.
        alone: what the command does without arguments is its usual work.
    """

    lines: tuple[str, ...] = ()
    usage: tuple[str, ...] = ()
    alone: bool = False


def calls(*lines: str, usage: tuple[str, ...] = (), alone: bool = False) -> Calls:
    return Calls(lines, usage, alone)


CALLS = {
    "alt_disk_copy": calls("-d {disk}", "-d hdisk1 -e {file}", "-d hdisk1 -i {file}", "-d hdisk1 -s {file}",
                           "-d hdisk1 -x {file}", "-d hdisk1 -R {file}", "-d hdisk1 -b all -l {file}",
                           usage=("-d hdisk1 -P 4", "-d hdisk1 -c /dev/tty0")),
    "alt_disk_install": calls("-C {disk}", "-d {file} hdisk1", "-W {disk}", "-q {disk}", "-X {group}",
                              "-v new {disk}", usage=("-C -X hdisk1", "-W")),
    "alt_disk_mksysb": calls("-m {file} -d hdisk1", "-m /etc/motd -d {disk}", usage=("-m /etc/motd", "-d hdisk1")),
    "alt_rootvg_op": calls("-q -d {disk}", "-W -d {disk}", "-X {group}", "-v new -d {disk}", "-S", "-C -s {file}",
                           usage=("-W", "-W -S -d hdisk1", "-v new", "-X one two")),
    "backup": calls("-i -f {target}", usage=("-i", "-i -f /tmp/a b")),
    "bootinfo": calls("-s {disk}", "-B {disk}", usage=("-s", "-b -v", "-b hdisk0")),
    "bootlist": calls("-m normal {disk}", "-m normal -f {file}", usage=("-m normal", "-m odd -o", "-o")),
    "bosboot": calls("-ad {disk}", usage=("-d hdisk0", "-a hdisk0")),
    "cfgmgr": calls("-l {disk}", usage=("hdisk0",), alone=True),
    "chdev": calls("-l {disk} -a pv=yes", "-l hdisk1 -a {name}=yes", "-l hdisk1 -a pv={name}",
                   usage=("-l hdisk1", "-a pv=yes", "-l hdisk1 -a pv")),
    "chfs": calls("-A yes {fs}", "-m {point} /home", "-a size={size} /home", "-a freeze={number} /home",
                  "-a log={device} /home", usage=("/home", "-A maybe /home", "-A yes")),
    "chlv": calls("-x 600 {volume}", "-n {name} lv00", "-x {number} lv00", "-u {number} lv00", "-a {name} lv00",
                  usage=("lv00", "-b x lv00", "-n new lv00 hd4")),
    "chpv": calls("-a y {disk}", "-c {disk}", "-C {disk}", "-v a {disk}", usage=("hdisk1", "-a x hdisk1", "-c")),
    "chvg": calls("-a y {group}", "-t {number} rootvg", usage=("rootvg", "-a x rootvg", "-a y")),
    "cplv": calls("{volume}", "-v {group} lv00", "-e {volume} -f lv00", "-y {name} lv00",
                  usage=("-e lv00 -y new hd4",)),
    "crfs": calls("-v jfs2 -g {group} -m /new -a size=16M", "-v jfs2 -d {volume} -m /new",
                  "-v jfs2 -g rootvg -m {point} -a size=16M", "-v jfs2 -g rootvg -m /new -a size={size}",
                  "-v jfs2 -g rootvg -m /new -a size=16M -a logname={device}",
                  usage=("-v jfs2 -g rootvg", "-v jfs2 -m /new", "-v jfs -g rootvg -m /new", "-g rootvg -m /new")),
    "df": calls("{fs}", "{device}", usage=("-k -m",), alone=True),
    "dumpfs": calls("{device}", "{fs}"),
    "exportvg": calls("{group}", usage=("rootvg rootvg",)),
    "extendlv": calls("{volume} 1", "lv00 {number}", "lv00 1 {disk}", "-m {file} lv00 1", usage=("lv00",)),
    "extendvg": calls("{group} hdisk1", "rootvg {disk}", usage=("rootvg",)),
    "fsck": calls("{device}", "-y {fs}", usage=("-y -n /home", "-V jfs /home"), alone=True),
    "fscklog": calls("{device}", "{fs}"),
    "getconf": calls("DISK_SIZE {device}", usage=("DISK_SIZE", "{name}")),
    "getlvcb": calls("-AT {volume}", usage=("hd4", "-A")),
    "getlvodm": calls("-j {disk}", "-v {group}", "-t {name}", "-l {volume}", "-p {disk}", "-g {name}",
                      usage=("-j hdisk0 -v rootvg", "-j hdisk0 more")),
    "halt": calls(usage=("now",), alone=True),
    "importvg": calls("-y newvg {disk}", "-y {name} hdisk1", "-L {group} hdisk0", "-V {number} hdisk1",
                      usage=("hdisk1 hdisk2", "-y new -L rootvg hdisk0")),
    "installp": calls("-a -d {file} all", "-a -d /tmp {name}", usage=("-a all", "-l", "-a -d /tmp", "-d /tmp all")),
    "ipl_varyon": calls(usage=("-i hdisk0",)),
    "joinvg": calls("{group}", "rootvg"),
    "logform": calls("{device}"),
    "logredo": calls("{device}", "{fs}"),
    "lquerypv": calls("-h {device} 80 10", "-M {disk}", usage=("-h", "-h /dev/hdisk0 zz", "-h /dev/hdisk0 0 10 20")),
    "lqueryvg": calls("-Atp {disk}", "-Atg {name}", usage=("-At", "-p hdisk0 -g 00")),
    "lsattr": calls("-El {disk}", "-El hdisk0 -a {name}", usage=("-E", "-l hdisk0", "-El hdisk0 -F :")),
    "lscfg": calls("-vl {disk}", usage=("hdisk0",), alone=True),
    "lsdev": calls(usage=("-C hdisk0", "-C -P", "-C -F {name}"), alone=True),
    "lsfs": calls("{fs}", "-q {device}", usage=("-c -l", "-a /home"), alone=True),
    "lslpp": calls("-l {name}", "-L {name}", usage=("bos.rte",)),
    "lslv": calls("{volume}", "-l {volume}", "-m {volume}", "-p {disk}", "-p hdisk0 {volume}", usage=("-l -m hd4",)),
    "lsmksysb": calls("-f {file}", "-lf {file}"),
    "lsps": calls("{volume}"),
    "lspv": calls("{disk}", "-l {disk}", "-p {disk}", "-M {disk}", "-n {disk} hdisk0", usage=("-l", "-l -p hdisk0"),
                  alone=True),
    "lsvg": calls("{group}", "-l {group}", "-p {group}", "-M {group}", "-m {group}", usage=("-l", "-o rootvg"),
                  alone=True),
    "lsvgfs": calls("{group}", usage=("rootvg rootvg",)),
    "migratelp": calls("{volume}/1 hdisk0", "lv00/1 {disk}", "lv00/999999 hdisk0", usage=("lv00 hdisk0", "lv00/1")),
    "migratepv": calls("{disk}", "hdisk0 {disk}", "-l {volume} hdisk0 hdisk1"),
    "mirrorvg": calls("{group}", "rootvg {disk}", usage=("-c 4 rootvg", "-S -s rootvg")),
    "mkdev": calls("-l {disk}", usage=("hdisk0",)),
    "mkfs": calls("-V jfs2 {device}", "-V jfs2 -s {number} /dev/lv00", "-V jfs2 -o log={device} /dev/lv00",
                  usage=("-V jfs /dev/lv00", "-V jfs2 -o log /dev/lv00")),
    "mklv": calls("{group} 1", "-y {name} rootvg 1", "rootvg 1 {disk}", "rootvg {number}", "-c {number} rootvg 1",
                  "-m {file} rootvg 1", "-a {name} rootvg 1", usage=("rootvg", "-b x rootvg 1")),
    "mklvcopy": calls("{volume} 2", "lv00 2 {disk}", usage=("lv00", "lv00 4")),
    "mksysb": calls("{target}", "-i {target}", "-im {target}", usage=("/tmp/a /tmp/b",)),
    "mkszfile": calls(usage=("rootvg",), alone=True),
    "mkvg": calls("{disk}", "-y {name} hdisk1", "-s {number} hdisk1", "-t {number} hdisk1", "-V {number} hdisk1",
                  "-S -v {number} hdisk1", usage=("-B -S hdisk1", "-v 4 hdisk1")),
    "mount": calls("{fs}", "{device} /mnt", "/dev/lv00 {fs}", usage=("-r", "one two three"), alone=True),
    "odmadd": calls("{file}", alone=True),
    "odmchange": calls("-o {class} /etc/motd", "-o CuAt -q name=x {file}", "-o CuAt -q {name} /etc/motd",
                       usage=("-o CuAt one two",)),
    "odmdelete": calls("-o {class} -q name=x", "-o CuAt -q {name}", usage=("-o CuAt more",)),
    "odmget": calls("{class}", "-q {name} CuDv", usage=("-q name=x",)),
    "oslevel": calls(usage=("-r -s", "more"), alone=True),
    "putlvcb": calls("-L /x {volume}", "-u {number} lv00", usage=("lv00",)),
    "readvgda": calls("{disk}"),
    "reboot": calls(usage=("now",), alone=True),
    "recreatevg": calls("-y new {disk}", "-y {name} hdisk1", "-y new -l {file} hdisk1", "-V {number} hdisk1",
                        usage=("-Y fs -l /etc/motd hdisk1", "-d -y new hdisk1", "-L x hdisk1")),
    "redefinevg": calls("-d {disk} newvg", "-i {name} newvg", usage=("-d hdisk0", "newvg")),
    "reducevg": calls("{group} hdisk0", "rootvg {disk}", "-df rootvg {disk}", usage=("rootvg", "-d rootvg")),
    "rendev": calls("-l {disk} -n new", "-l hdisk1 -n {name}", usage=("-l hdisk1",)),
    "restore": calls("-Tqf {file}", "-xqf {file}", usage=("-x", "-x -T -f /etc/motd", "-T -f /etc/motd name")),
    "restvg": calls("-qf {file}", "-lf {file}", usage=("hdisk1",)),
    "rmdev": calls("-l {disk}", "-dl {disk}", usage=("hdisk1",)),
    "rmfs": calls("{fs}", "-r {device}", usage=("/home /opt",)),
    "rmlv": calls("-f {volume}", "-f -p {disk} lv00"),
    "rmlvcopy": calls("{volume} 1", "lv00 1 {disk}", usage=("lv00", "lv00 3")),
    "savebase": calls("-d {disk}", usage=("hdisk0",), alone=True),
    "savevg": calls("-f /tmp/a {group}", "-i -f {target} rootvg", usage=("rootvg", "-f /tmp/a")),
    "shutdown": calls(usage=("-rh", "tomorrow", "now now"), alone=True),
    "splitvg": calls("{group}", "-y {name} rootvg", "rootvg", usage=("-c 4 rootvg",)),
    "sync": calls(usage=("now",), alone=True),
    "synclvodm": calls("{group}", "rootvg {volume}"),
    "syncvg": calls("-l {volume}", "-p {disk}", "-v {group}", usage=("-v", "-l -v rootvg", "rootvg")),
    "umount": calls("{fs}", "-f {device}", usage=("/home /opt",)),
    "unmirrorvg": calls("{group}", "rootvg {disk}", usage=("-c 3 rootvg",)),
    "unmount": calls("{fs}", "-f {device}", usage=("/home /opt",)),
    "varyoffvg": calls("{group}", usage=("rootvg rootvg",)),
    "varyonvg": calls("{group}", usage=("rootvg rootvg",)),
}  # fmt: skip
"""The calls of every command; `test_bad_input` sees to it that none is missing."""
