"""A script in a process of its own, with nothing of ours in the environment but what is given."""

import os
import subprocess
import sys
from pathlib import Path


def run_script(script: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with `home` as its folder and home."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
