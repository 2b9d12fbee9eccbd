"""A Linux kernel as a process, as a fixture."""

import hashlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

KERNEL_SECONDS = 90


@pytest.fixture(scope="session")
def kernel(judge: Callable[[str], str]) -> Callable[..., str]:
    """`kernel([image, ...], "root=/dev/ubda", ...)` boots user-mode-linux on the images and returns its console;
    with `writable=True` it may write to them, with `until="text"` it loses its power when the console says so."""
    program = judge("linux.uml")

    def boot(images: Sequence[Path], *parameters: str, writable: bool = False, until: str = "") -> str:
        mode = "" if writable else "r"
        disks = [f"ubd{i}{mode}={image}" for i, image in enumerate(images)]
        process = subprocess.Popen(
            [program, *disks, "mem=128M", "con=null", "con0=fd:0,fd:1", *parameters],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        limit = threading.Timer(KERNEL_SECONDS, process.kill)
        limit.start()
        assert process.stdout is not None
        output = b""
        try:
            for line in process.stdout:
                output += line
                if until and until.encode() in line:
                    break
            if not until:
                process.wait()
        finally:
            limit.cancel()
            if process.poll() is None:  # its helper processes share the session
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return output.decode("utf-8", "replace")

    return boot


@pytest.fixture
def root_tree(judge, tmp_path):
    """A tree with a static program that prints the digest of every file in /data, and how to check its output."""
    top = tmp_path / "root"
    for name in ("bin", "dev", "data/deep/er"):
        (top / name).mkdir(parents=True)
    shutil.copy(judge("busybox"), top / "bin" / "busybox")
    (top / "check").write_text(
        "#!/bin/busybox sh\n"
        "/bin/busybox find /data -type f -exec /bin/busybox md5sum {} +\n"
        "/bin/busybox find /data -exec /bin/busybox stat -c '%F|%a|%u|%g|%s|%Y|%n' {} +\n"
        "/bin/busybox poweroff -f\n"
    )
    (top / "check").chmod(0o755)
    random = np.random.default_rng(1)
    for i in range(40):
        (top / "data" / ("deep" if i % 2 else "deep/er") / f"file{i}").write_bytes(random.bytes(i * i * 300))
    for i in range(300):
        (top / "data" / f"many-entries-make-a-tree-{i}").write_bytes(b"%d" % i)
    with (top / "data" / "holes").open("wb") as f:
        for i in range(300):
            f.seek(i * 12288)
            f.write(b"%08d" % i)
    (top / "data" / "link").symlink_to("deep/file1")
    os.utime(top / "data" / "deep" / "file1", (1_000_000, 2_000_000))
    return top


@pytest.fixture
def check_console() -> Callable[[str, Path], None]:
    """Compares what the program of `root_tree` printed with the tree."""
    return _check_console


def _check_console(console: str, top: Path) -> None:
    lines = set(console.replace("\r", "").splitlines())
    files = [p for p in top.rglob("*") if p.is_relative_to(top / "data") and p.is_file() and not p.is_symlink()]
    assert len(files) > 300
    for path in files:
        digest = hashlib.md5(path.read_bytes()).hexdigest()
        assert f"{digest}  /{path.relative_to(top)}" in lines
        s = path.stat()
        kind = "regular file" if s.st_size else "regular empty file"
        row = f"{kind}|{s.st_mode & 0o7777:o}|{s.st_uid}|{s.st_gid}|{s.st_size}|{int(s.st_mtime)}"
        row += f"|/{path.relative_to(top)}"
        assert row in lines
    assert any(line.startswith("symbolic link|777|") and line.endswith("|/data/link") for line in lines)
