"""A Linux kernel as a process, as a fixture."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

KERNEL_SECONDS = 90


@pytest.fixture(scope="session")
def kernel(judge: Callable[[str], str]) -> Callable[..., str]:
    """`kernel([image, ...], "root=/dev/ubda", ...)` boots user-mode-linux on the images and returns its console."""
    program = judge("linux.uml")

    def boot(images: Sequence[Path], *parameters: str) -> str:
        disks = [f"ubd{i}r={image}" for i, image in enumerate(images)]
        process = subprocess.Popen(
            [program, *disks, "mem=128M", "con=null", "con0=fd:0,fd:1", *parameters],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=KERNEL_SECONDS)
        finally:  # its helper processes share the session
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return output.decode("utf-8", "replace")

    return boot
