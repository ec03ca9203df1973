"""How long it takes until a client can be used. A script, not a test.

    python -m tests.benchmarks.bench_start

Each round starts a fresh interpreter. pandas is imported in between, since connecting needs it and a notebook has it
anyway; what is measured is what the package adds, as time of the CPU, which other work on the machine disturbs
least. The goals are less than 0.1 s for the import, and less than 0.15 s for `connect`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

ROUNDS = 11
GOALS = {"import klaviyo_analytics": 0.1, "connect() over pandas": 0.15}
CODE = """
import json, time
times = [time.process_time()]
def lap():
    times.append(time.process_time())
import klaviyo_analytics as ka
lap()
import pandas
lap()
client = ka.connect(api_key="pk_0123456789")
lap()
client.tags
lap()
client.describe()
lap()
print(json.dumps([b - a for a, b in zip(times, times[1:])]))
"""
LAPS = (
    "import klaviyo_analytics",
    "import pandas",
    "connect() over pandas",
    "first use of client.tags",
    "all resources",
)


def once() -> dict[str, float]:
    """Measure one start in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    return dict(zip(LAPS, json.loads(done.stdout), strict=True))


def main() -> None:
    """Print the median and the fastest of several starts."""
    once()  # compiles what has changed
    rounds = [once() for _ in range(ROUNDS)]
    for name in rounds[0]:
        laps = [one[name] for one in rounds]
        goal = f", goal {GOALS[name]:.2f} s" if name in GOALS else ""
        print(f"{name}: median {statistics.median(laps):.3f} s, fastest {min(laps):.3f} s{goal}")


if __name__ == "__main__":
    main()
