"""What pip-audit's report means: it calls it a success, too, when the service knew none of the packages."""

import json
import sys
from pathlib import Path


def judged(report: Path) -> int:
    """Tell what was found; the exit code of `scripts/audit`."""
    if not report.exists():
        print("NOT AUDITED: the vulnerability service could not be reached.")
        return 2
    packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    found = [(package, one) for package in packages for one in package.get("vulns", ())]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    for package, one in found:
        fixed = ", ".join(one["fix_versions"]) or "nothing yet"
        print(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    print(f"{len(packages) - len(skipped)} packages looked up, {len(found)} known vulnerabilities")
    if skipped:
        print(
            f"NOT AUDITED: the vulnerability service does not know {len(skipped)}: {', '.join(skipped[:10])}"
        )
    return 1 if found else 2 if skipped else 0


if __name__ == "__main__":
    sys.exit(judged(Path(sys.argv[1])))
