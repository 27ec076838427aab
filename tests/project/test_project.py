"""The files around the code: whose work is in the package, and what an audit says."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OURS = {  # written here; whatever else is in a `static` folder is somebody's, and in THIRD_PARTY.md
    "nonebot_plugin_feishu_ws/console/pages/static": {
        "LICENCES.txt",
        *("base.css", "layout.css", "pages.css", "parts.css", "console.js", "icon.svg"),
    },
    "feishu_sandbox/page/static": {
        *("base.css", "cards.css", "confirm.css", "layout.css", "messages.css", "icon.svg"),
        *("cards.js", "composer.js", "live.js", "messages.js", "page.js", "pane.js", "send.js"),
    },
}


def test_work_of_others_has_version_licence_and_checksum() -> None:
    rows = [
        [cell.strip().strip("`<>") for cell in line.split("|")[1:-1]]
        for line in (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert {row[0]: row[5] for row in rows} == {
        f"{path.relative_to(ROOT)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for package in ("nonebot_plugin_feishu_ws", "feishu_sandbox", "feishu_ws_shell")
        for path in (ROOT / package).rglob("static/**/*")
        if path.is_file() and path.name not in OURS.get(str(path.parent.relative_to(ROOT)), ())
    }
    for path, what, version, licence, source, _ in rows:
        notice = (ROOT / path).with_name("LICENCES.txt").read_text(encoding="utf-8")
        assert f"{what} {version}" in notice
        assert licence == "0BSD"
        assert "Zero-Clause BSD" in notice, "the text of the licence"
        assert source.startswith("https://")


def package(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": [], **more}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([package("one")], 0, "1 packages looked up, 0 known"),
        (
            [package("one", vulns=[{"id": "CVE-1", "fix_versions": ["1.1"]}])],
            1,
            "one 1.0: CVE-1, fixed in 1.1",
        ),
        ([package("one"), {"name": "two", "skip_reason": "not found"}], 2, "does not know 1: two"),
        (None, 2, "could not be reached"),
    ],
)
def test_an_audit_that_did_not_happen_is_none(
    tmp_path: Path, packages: list[dict[str, Any]] | None, code: int, said: str
) -> None:
    report = tmp_path / "report.json"
    if packages is not None:
        report.write_text(json.dumps({"dependencies": packages, "fixes": []}), encoding="utf-8")
    judged = subprocess.run(
        [sys.executable, ROOT / "scripts/judge_audit.py", report], capture_output=True, text=True
    )
    assert judged.returncode == code
    assert said in judged.stdout
