"""Times a step and tells whether others disturbed it: `bench/quiet.ts` in Python."""

import os
import time

ALLOWED = 0.06
SHORTEST_S = 0.25


def busy_seconds():
    """All cores were busy for so long since boot, by anyone, other guests of the host included; None where nobody tells."""
    try:
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    except OSError:
        return None
    return (user + nice + system + irq + softirq + steal) / 100


def span(f):
    """Runs `f`, times it, and tells whether the machine was otherwise idle."""
    busy, own, start = busy_seconds(), time.process_time(), time.perf_counter()
    f()
    elapsed = time.perf_counter() - start
    after = busy_seconds()
    others = 0 if busy is None or after is None else after - busy - (time.process_time() - own)
    return {"elapsed_ms": 1000 * elapsed, "quiet": others <= ALLOWED * os.cpu_count() * elapsed}


def sample(step):
    """Times a step, repeated for as long as the system's clock needs."""
    steps = 0

    def repeated():
        nonlocal steps
        start = time.perf_counter()
        while time.perf_counter() - start < SHORTEST_S:
            step()
            steps += 1

    whole = span(repeated)
    return {"step_ms": whole["elapsed_ms"] / steps, "quiet": whole["quiet"]}
