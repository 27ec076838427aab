"""Constraints with the lowest versions that pyproject.toml allows of what the package needs; the rest is as pinned."""

import re
import tomllib
from pathlib import Path

EXTRAS = ("postgres", "qr", "sandbox")
_NAME = re.compile(r"[\w.-]+")
_BOUND = re.compile(r">=([\w.]+)")


def name(requirement: str) -> str:
    """As package indexes compare it."""
    found = _NAME.match(requirement)
    return re.sub(r"[._-]+", "-", found[0]).lower() if found else ""


def main() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [
        *project["dependencies"],
        *(x for extra in EXTRAS for x in project["optional-dependencies"][extra]),
    ]
    lowest = {name(each): bound[1] for each in needed if (bound := _BOUND.search(each))}
    print(*(f"{each}=={version}" for each, version in lowest.items()), sep="\n")
    for pin in Path("constraints.txt").read_text(encoding="utf-8").splitlines():
        if name(pin) not in {*lowest, "", "pydantic-core"}:  # which is pydantic's, and of one version with it
            print(pin)


if __name__ == "__main__":
    main()
