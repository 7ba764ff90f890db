"""What a process takes."""

import os
import sys
import time


def measured(command):
    """Wall clock and processor seconds and peak memory [MiB] of a process, which must end well."""
    begin = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "wall": time.perf_counter() - begin,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
    }


def compared(found):
    """Lines about what each program took, beside rvq."""
    for name, of in found.items():
        ratio = of["processor"] / found["rvq"]["processor"]
        yield (
            f"{name}: {of['wall']:.1f} s, {of['processor']:.1f} processor seconds ({ratio:.2f} x rvq), "
            f"{of['memory']:.0f} MiB"
        )
