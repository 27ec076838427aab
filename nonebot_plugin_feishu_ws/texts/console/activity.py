"""The words of the console's pages about what happens: Chinese first, English second."""

from collections.abc import Mapping

ACTIVITY: Mapping[str, tuple[str, str]] = {
    "no_logs": ("还没有日志", "No log lines yet"),
    "no_logs_note": (
        "连接器连接、收到消息或被修改时，这里会出现记录。",
        "Lines appear here when a connector connects, receives a message or is changed.",
    ),
    "no_match": ("没有符合条件的日志", "No line matches"),
    "no_match_note": ("放宽上面的条件再看。", "Loosen the filters above."),
    "filter": ("筛选", "Filter"),
    "show": ("显示", "Show"),
    "level": ("级别", "Level"),
    "action": ("动作", "Action"),
    "connector": ("连接器", "Connector"),
    "time": ("时间", "Time"),
    "detail": ("详情", "Detail"),
    "at_least_debug": ("全部级别", "every level"),
    "at_least_info": ("info 及以上", "info and above"),
    "at_least_warning": ("warning 及以上", "warning and above"),
    "at_least_error": ("仅 error", "error only"),
    "older": ("更早", "Older"),
    "newest": ("最新", "Newest"),
    "trace": ("追踪这条消息", "Trace this message"),
    "trace_title": ("消息追踪", "Message trace"),
    "trace_note": (
        "一条消息为什么有或没有回应：每个过滤器的结论、由谁处理、回复了什么。",
        "Why a message was answered, or not: every filter's verdict, who handled it, and what was answered.",
    ),
    "message_id": ("消息 ID", "Message ID"),
    "message_id_hint": (
        "om_ 开头：机器人收到的消息，或被点击的卡片。可以从日志里点进来。",
        "Begins with om_: a message the bot received, or a card that was clicked. Log lines link here.",
    ),
    "find": ("查看", "Trace"),
    "filters": ("过滤器", "Filters"),
    "received": ("收到", "Received"),
    "screened": ("过滤", "Screened"),
    "handled": ("处理", "Handled"),
    "answered": ("回复", "Answered"),
    "stopped": ("被拦下", "Stopped"),
    "let_through": ("通过", "Let through"),
    "verdict_pass": ("通过", "passed"),
    "verdict_skip": ("不适用", "not asked"),
    "verdict_fail": ("不通过", "failed"),
    "verdict_error": ("出错", "broke"),
    "no_letters": ("没有死信", "No dead letters"),
    "no_letters_note": (
        "处理时多次让进程崩溃的事件会放在这里，不再重试。没有就好。",
        (
            "Events that ended the process more than once while they were handled are put here and not tried again. "
            "None is good."
        ),
    ),
    "letters_note": (
        "被放弃的事件：处理它们时进程多次退出。找到原因后可以重新处理。",
        (
            "Events that were given up, because the process ended more than once over them. Once the cause is mended, "
            "have them handled after all."
        ),
    ),
    "replay": ("重新处理", "Replay"),
    "replay_all": ("全部重新处理", "Replay all"),
    "event": ("事件", "Event"),
    "type": ("类型", "Type"),
    "tries": ("尝试次数", "Attempts"),
    "cause": ("原因", "Why"),
    "waiting": ("等待决定", "Waiting"),
    "decided": ("已决定", "Decided"),
    "no_approvals": ("没有等待审批的请求", "Nothing waits for approval"),
    "no_approvals_note": (
        "有人请求执行需要审批的命令时，会出现在这里，也会出现在聊天的卡片上。",
        "When somebody asks for a command that needs approval, it appears here and on a card in the chat.",
    ),
    "nothing_decided": ("还没有决定过的请求。", "Nothing was decided yet."),
    "approve": ("批准", "Approve"),
    "reject": ("拒绝", "Reject"),
    "take_back": ("撤回", "Take back"),
    "asked_by": ("发起者", "Asked by"),
    "decided_by": ("决定者", "Decided by"),
    "arguments": ("参数", "Arguments"),
    "reason": ("理由（由机器人填写）", "Reason, as the bot puts it"),
    "result": ("结果", "Result"),
    "may_not": ("你不能决定这一项。", "This one is not yours to decide."),
    "expires": ("有效期至", "Valid until"),
    "doctor_note": (
        "向飞书、网络和最近的状态逐项询问；不会改变什么，也不会占用连接。",
        "Asks Feishu, the network and the last report, one by one. It changes nothing and uses up no connection.",
    ),
    "run": ("开始诊断", "Run the check-up"),
    "run_again": ("重新诊断", "Run it again"),
    "checking": ("检查中…", "checking…"),
    "not_run": ("尚未检查", "not checked yet"),
    "finished": ("诊断完成。", "The check-up is finished."),
}
