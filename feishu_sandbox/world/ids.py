"""Identifiers in the shapes Feishu gives them."""

import hashlib
import secrets


def new_id(prefix: str, length: int = 32) -> str:
    """``prefix`` and ``length`` random hex digits: ``om_``, ``oc_``, ``cli_`` (16), ``omt_`` (16)."""
    return prefix + secrets.token_hex((length + 1) // 2)[:length]


def open_id_of(owner: str, app_id: str) -> str:
    """The open_id under which one app sees a user or a bot (facts, "Identity": open_id is per app)."""
    return "ou_" + hashlib.sha256(f"{owner}|{app_id}".encode()).hexdigest()[:32]
