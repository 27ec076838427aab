"""Approvals as people see them: ask, card, approve as another, result, second click; in a bot of its own process."""

import os
from pathlib import Path

from PIL import Image
from playwright.async_api import expect
from recording import Recording
from windows import SOON, Open

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "approval.webp"
SMALL = 1_000_000  # bytes


async def test_the_whole_story(stage: Open, tmp_path: Path) -> None:
    """Everything a newcomer tries, in a group; recorded for the README."""
    here = await stage("en-US")
    window = await here.window()
    film = Recording()
    await window.go("Everyone")
    await window.write("restart web", to="Butler")
    await film.frame(window.page, 1.5)
    await window.page.keyboard.press("Enter")
    await window.sees("Approval needed: restart", '{"service":"web"}', "Asked by @Alice", "Valid until 2")
    await window.sees("restart waits for its approver to agree (id ")
    await film.frame(window.page, 3)

    # Two more windows, for clicks that come too late. Bob is asked directly, too.
    bobs, alices = await here.window("Bob"), await here.window()
    await alices.go("Everyone")
    for late in (bobs, alices):
        await late.sees("Approval needed: restart")
        await late.goes_deaf()

    await window.click("Approve", "Somebody else must approve what you asked for.")
    await film.frame(window.page, 2.5)
    await window.page.get_by_test_id("user").filter(has_text="Bob").hover()
    await film.frame(window.page, 1)
    await window.become("Bob")
    await window.buttons.filter(has_text="Approve").hover()
    await film.frame(window.page, 1.5)
    await window.click("Approve", "restart: approved, about to run.")
    await window.sees("Approved by @Bob")
    await film.frame(window.page, 1.5)
    await window.sees("restart: done", "Result: web was restarted (restarts so far: 1).")
    await expect(window.buttons).to_have_count(0, timeout=SOON)
    await expect(window.latest).to_contain_text("restart: done.web was restarted", timeout=SOON)
    await expect(window.latest).to_contain_text("Alice @Butler restart web")  # what it is a reply to
    await window.page.mouse.move(0, 0)
    await expect(window.page.get_by_test_id("toast")).to_have_count(0, timeout=SOON)
    await film.frame(window.page, 4)

    # A second click, in a window of Bob's that has not heard of it; then it shows what became of it.
    await bobs.buttons.filter(has_text="Approve").hover()
    await film.frame(bobs.page, 2)
    await bobs.click("Approve", "Too late. restart: done.")
    await film.frame(bobs.page, 2.5)
    await bobs.page.mouse.move(0, 0)
    await bobs.page.reload()
    await bobs.ready()
    await bobs.sees("restart: done", "Approved by @Bob", "Result: web was restarted (restarts so far: 1).")
    await expect(bobs.buttons).to_have_count(0)
    await film.frame(bobs.page, 4)
    await alices.click("Approve", "Too late. restart: done.")
    await alices.click("Reject", "Too late. restart: done.")

    # The other way round, and no.
    await window.say("restart db", to="Butler")
    await window.sees('{"service":"db"}')
    await window.become("Alice")
    await window.click("Reject", "restart: rejected.")
    await window.sees("Rejected by @Alice")
    await expect(window.latest).to_contain_text("restart: rejected.", timeout=SOON)

    # What waits, in a list; by the number, nobody's second click has restarted anything.
    await window.become("Bob")
    await window.say("restart web", to="Butler")
    await expect(window.buttons).to_have_count(2, timeout=SOON)
    await window.become("Alice")
    await window.go("Butler")
    await window.say("/feishu approvals")
    await window.sees("Waiting for approval (1)", "under a minute")
    await window.click("Approve", "restart: approved, about to run.")
    await window.sees("Nothing waits for approval.")
    await window.go("Everyone")
    await window.sees("web was restarted (restarts so far: 2).")

    film.save(tmp_path / PICTURE.name)
    with Image.open(tmp_path / PICTURE.name) as picture:
        assert picture.n_frames == 10
    assert (tmp_path / PICTURE.name).stat().st_size < SMALL
    if os.environ.get("UPDATE_SCREENSHOTS"):
        PICTURE.write_bytes((tmp_path / PICTURE.name).read_bytes())


async def test_in_chinese(stage: Open) -> None:
    """The same in a direct chat, where the approver has a card of their own."""
    here = await stage("zh-CN")
    window = await here.window()
    await window.say("restart web")
    await window.sees("需要审批：restart", '{"service":"web"}', "发起者：@小明", "有效期至：2")
    await window.sees("restart 需要审批人批准（编号 ")
    await window.click("批准", "不能批准自己的请求，需要其他人批准。")
    late = await here.window("小红")
    await late.sees("需要审批：restart")
    await late.goes_deaf()
    await window.become("小红")
    await window.click("批准", "restart：已批准，即将执行。")
    await window.sees("restart：已执行", "批准者：@小红", "结果：web 已重启（第 1 次）。")
    await expect(window.buttons).to_have_count(0, timeout=SOON)
    await late.click("拒绝", "来晚了。restart：已执行。")
    await window.become("小明")
    await expect(window.buttons).to_have_count(0, timeout=SOON)
    await expect(window.latest).to_contain_text("web 已重启（第 1 次）。", timeout=SOON)

    # Whoever asks may take it back, from the list, too.
    await window.say("restart db")
    await window.sees("需要审批：restart")
    await window.say("/飞书 approvals")
    await window.sees("等待审批（1）")
    await window.click("撤回", "restart：已撤回。")
    await window.sees("没有等待审批的请求。", "撤回者：@小明")


async def test_nobody_decides(stage: Open) -> None:
    """It expires, the chat is told, and a late click does nothing."""
    here = await stage("en-US", FEISHU_WS__APPROVAL_TTL="10")
    window, late = await here.window(), await here.window("Bob")
    await window.say("restart web")
    await late.sees("Approval needed: restart")
    await late.goes_deaf()
    await expect(window.buttons).to_have_count(0, timeout=30_000)
    await window.sees("restart: expired, nothing was run")
    await late.click("Approve", "Too late. restart: expired, nothing was run.")
    await expect(window.latest).to_contain_text("restart: expired, nothing was run.", timeout=SOON)
