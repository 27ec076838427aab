"""What NoneBot's log sink does not show is not made for it, once the plugin has started."""

import json
from pathlib import Path

import pytest
from loading_process import run_script

SCRIPT = """
import asyncio, json, sys, nonebot
from nonebot.log import logger, logger_id
nonebot.init(driver="~none", log_level={level})
{before}
assert nonebot.load_plugin("nonebot_plugin_feishu_ws")

def made(level):
    "Whether a line of that level is made, whoever reads it."
    asked = []
    logger.opt(lazy=True).log(level, "{{}}", lambda: asked.append(level) or "a line")
    return bool(asked)

async def main():
    found = [made("DEBUG")]
    lifespan = nonebot.get_driver()._lifespan
    await lifespan.startup()
    found += [made("DEBUG"), made("INFO"), made("WARNING")]
    await lifespan.shutdown()
    print(json.dumps(found), file=sys.stderr)

asyncio.run(main())
"""
OWN = """
logger.remove(logger_id)
logger.add(sys.stdout, level="INFO", format="mine {message}")
"""


@pytest.mark.parametrize("level", ['"WARNING"', "30"])
def test_below_the_level_no_line_is_made(tmp_path: Path, level: str) -> None:
    done = run_script(SCRIPT.format(level=level, before=""), tmp_path)
    assert json.loads(done.stderr.splitlines()[-1]) == [True, False, False, True], done.stderr
    assert done.stdout.count("a line") == 1
    assert "a line" in done.stdout.split("WARNING", 1)[1]


def test_a_sink_somebody_has_put_in_its_place_stays(tmp_path: Path) -> None:
    done = run_script(SCRIPT.format(level='"DEBUG"', before=OWN), tmp_path)
    assert json.loads(done.stderr.splitlines()[-1]) == [False, False, True, True], done.stderr
    lines = [line for line in done.stdout.splitlines() if "a line" in line]
    assert lines == ["mine a line"] * 2
