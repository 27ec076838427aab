"""What is said when Feishu does not give what a tool asks it for."""

from ...openapi import FeishuError, PermissionDenied
from ...texts.builtin import BuiltinTexts


def said_of(texts: BuiltinTexts, error: FeishuError, *, needed: str) -> str:
    """An error in words.

    Args:
        texts: In the language of whoever asks.
        error: What Feishu said.
        needed: The scope it takes, should Feishu not name one.
    """
    if isinstance(error, PermissionDenied):
        return texts.missing_scope(error.scopes or (needed,))
    return texts.feishu_failed(str(error))
