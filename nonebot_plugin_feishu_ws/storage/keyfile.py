"""The keys: from the setting, else from a file that is made on first use."""

import contextlib
import logging
import os
import stat
import tempfile
from pathlib import Path

from .errors import SecretKeyError
from .vault import Vault, new_key

_log = logging.getLogger(__name__)


def load_vault(secret_key: str | None, key_file: Path) -> Vault:
    """The vault of this installation. Blocks shortly on the file system.

    Args:
        secret_key: `FEISHU_WS__SECRET_KEY`: keys separated by commas, the first seals, all open. Empty: the
            file.
        key_file: read, or made with mode 0600, if the setting is empty. If both exist the file's keys still
            open.

    Raises:
        SecretKeyError: a key is malformed, or the file cannot be read or made.
    """
    configured = _split(secret_key or "")
    if configured:
        # What was sealed before the setting was made must stay readable.
        return Vault([*configured, *(_read(key_file) if key_file.exists() else [])])
    if not key_file.exists():
        _create(key_file)
    return Vault(_read(key_file))


def _split(text: str) -> list[str]:
    return [part for part in (raw.strip() for raw in text.replace("\n", ",").split(",")) if part]


def _read(path: Path) -> list[str]:
    try:
        keys = _split(path.read_text(encoding="ascii", errors="replace"))
        mode = path.stat().st_mode
    except OSError as error:
        raise SecretKeyError(
            f"the key file {path} cannot be read ({error.strerror}); make it readable, "
            "or set FEISHU_WS__SECRET_KEY to the key it holds"
        ) from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        _log.warning(
            "the key file %s can be read by other users of this machine; run: chmod 600 %s", path, path
        )
    try:
        Vault(keys)
    except SecretKeyError:
        raise SecretKeyError(
            f"the key file {path} does not hold a key; restore it, or set FEISHU_WS__SECRET_KEY. "
            "Secrets stored so far open only with the key it used to hold"
        ) from None
    return keys


def _create(path: Path) -> None:
    """Write the whole file under another name, then link it: it appears complete, and only once.

    Where two processes start together the second finds the first one's file, and both use that.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(new_key() + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            Path(temporary).unlink()
    except OSError as error:
        raise SecretKeyError(
            f"the key file {path} cannot be made ({error.strerror}); make its directory writable, "
            "or set FEISHU_WS__SECRET_KEY"
        ) from None
