"""Secrets: sealed to their place, opened by old keys, closed to wrong ones."""

import asyncio
import base64
import logging
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.storage import (
    ConnectorRow,
    Database,
    Place,
    SealBroken,
    Sealed,
    SecretKeyError,
    UnknownKey,
    Vault,
    load_vault,
    new_key,
)

HERE = Place("feishu_ws_connector", "app_secret", "row-1")


@given(st.text())
def test_what_is_sealed_opens_and_does_not_show(plain: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in plain):
        return
    vault = Vault([new_key()])
    sealed = vault.seal(plain, HERE)
    assert vault.open(sealed, HERE) == plain
    assert sealed != vault.seal(plain, HERE), "the same value twice looks different"
    if len(plain) > 3:
        assert plain not in sealed.text


@pytest.mark.parametrize(
    "other",
    [
        Place("feishu_ws_connector", "app_secret", "row-2"),
        Place("feishu_ws_connector", "encrypt_key", "row-1"),
        Place("feishu_ws_other", "app_secret", "row-1"),
        Place("feishu_ws_connectora", "pp_secret", "row-1"),
    ],
)
def test_a_value_moved_elsewhere_does_not_open(other: Place) -> None:
    vault = Vault([new_key()])
    with pytest.raises(SealBroken, match="row-"):
        vault.open(vault.seal("secret", HERE), other)


def test_every_changed_character_is_noticed() -> None:
    vault = Vault([new_key()])
    text = vault.seal("secret", HERE).text
    for position in range(len(text)):
        changed = "B" if text[position] != "B" else "C"
        broken = Sealed(text[:position] + changed + text[position + 1 :])
        with pytest.raises((SealBroken, UnknownKey)):
            vault.open(broken, HERE)


@pytest.mark.parametrize(
    "text",
    ["", "secret", "v1.", "v2.0123456789abcdef.AAAA", "v1.0123456789abcdef.", "v1.0123456789abcdef.AB"],
)
def test_nonsense_is_not_opened(text: str) -> None:
    with pytest.raises(SealBroken):
        Vault([new_key()]).open(Sealed(text), HERE)


def test_too_short_to_hold_a_nonce() -> None:
    key = new_key()
    vault = Vault([key])
    head = vault.seal("x", HERE).text.rsplit(".", 1)[0]
    for data in ("00", "0", "00" * 12, "00" * 13, "00" * 27):
        with pytest.raises(SealBroken):
            vault.open(Sealed(f"{head}.{data}"), HERE)


def test_the_first_key_seals_and_all_open() -> None:
    old, new = new_key(), new_key()
    sealed = Vault([old]).seal("secret", HERE)
    both = Vault([new, old])
    assert both.open(sealed, HERE) == "secret"
    again = both.seal("secret", HERE)
    assert Vault([new]).open(again, HERE) == "secret"
    with pytest.raises(UnknownKey):
        Vault([old]).open(again, HERE)


def test_a_wrong_key_names_the_setting_and_the_key() -> None:
    sealed = Vault([new_key()]).seal("secret", HERE)
    with pytest.raises(UnknownKey, match="FEISHU_WS__SECRET_KEY") as caught:
        Vault([new_key()]).open(sealed, HERE)
    assert caught.value.key_id in sealed.text


@pytest.mark.parametrize(
    "key", ["short", "x" * 44, "canary-not-base64!", base64.b64encode(b"k" * 31).decode(), "飞书", "=" * 44]
)
def test_a_key_of_wrong_form_is_explained_and_not_shown(key: str) -> None:
    with pytest.raises(SecretKeyError, match="key 2 of FEISHU_WS__SECRET_KEY") as caught:
        Vault([new_key(), key])
    assert "python -c" in str(caught.value)
    assert key not in str(caught.value)


def test_both_base64_alphabets_and_missing_padding_are_accepted() -> None:
    raw = b"\xfb\xff" * 16
    standard, urlsafe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    sealed = Vault([standard]).seal("secret", HERE)
    assert Vault([urlsafe]).open(sealed, HERE) == "secret"
    assert Vault([urlsafe.rstrip("=")]).open(sealed, HERE) == "secret"


def test_neither_key_nor_value_is_shown() -> None:
    key = new_key()
    vault = Vault([key])
    assert key not in repr(vault)
    row = ConnectorRow(name="n", app_id="cli_a", app_secret=vault.seal("s", HERE))
    row.seal("proxy", "http://me:canary@proxy", vault)
    assert row.proxy is not None
    assert row.proxy.text not in repr(row)
    assert row.app_secret.text not in repr(row)
    assert row.proxy.text not in repr(row.proxy)
    assert "canary" not in repr(row)


def test_a_row_seals_for_itself() -> None:
    vault = Vault([new_key()])
    row = ConnectorRow(name="n", app_id="cli_a", app_secret=Sealed(""))
    for column in ConnectorRow.SECRETS:
        row.seal(column, f"secret {column}", vault)
        assert row.reveal(column, vault) == f"secret {column}"
    assert (
        vault.open(row.app_secret, Place("feishu_ws_connector", "app_secret", row.id)) == "secret app_secret"
    )
    row.seal("encrypt_key", None, vault)
    assert row.reveal("encrypt_key", vault) is None
    with pytest.raises(ValueError, match="secrets: app_secret"):
        row.seal("name", "x", vault)


async def test_the_database_never_sees_a_plain_secret(database: Database, tmp_path: Path) -> None:
    vault = Vault([new_key()])
    row = ConnectorRow(name="n", app_id="cli_a", app_secret=Sealed(""))
    row.seal("app_secret", "canary-secret", vault)

    async def store(session: AsyncSession) -> None:
        session.add(row)

    async def store_plain(session: AsyncSession) -> None:
        loaded = (await session.exec(select(ConnectorRow))).one()
        loaded.app_secret = "canary-secret"  # type: ignore[assignment]
        await session.flush()

    await database.write(store)
    with pytest.raises(Exception, match="must be sealed") as caught:
        await database.write(store_plain)
    assert "canary" not in str(caught.value)
    async with database.session() as session:
        loaded = (await session.exec(select(ConnectorRow))).one()
    assert loaded.reveal("app_secret", vault) == "canary-secret"
    if database.path is not None:
        stored = await asyncio.to_thread(lambda: [f.read_bytes() for f in tmp_path.glob("feishu.sqlite3*")])
        assert len(stored) > 1
        assert not any(b"canary-secret" in data for data in stored)


async def test_rows_swapped_in_the_database_do_not_open(sqlite_url: str) -> None:
    vault = Vault([new_key()])
    database = Database(sqlite_url)
    await database.start()

    async def store(session: AsyncSession) -> None:
        for name in ("a", "b"):
            row = ConnectorRow(name=name, app_id=f"cli_{name}", app_secret=Sealed(""))
            row.seal("app_secret", f"secret of {name}", vault)
            session.add(row)

    await database.write(store)
    with sqlite3.connect(database.path or "") as thief:
        thief.execute(
            "UPDATE feishu_ws_connector SET app_secret = "
            "(SELECT app_secret FROM feishu_ws_connector WHERE name = 'b') WHERE name = 'a'"
        )
    thief.close()
    async with database.session() as session:
        a, b = (await session.exec(select(ConnectorRow).order_by(ConnectorRow.name))).all()
    with pytest.raises(SealBroken, match=a.id):
        a.reveal("app_secret", vault)
    assert b.reveal("app_secret", vault) == "secret of b"
    await database.close()


def test_a_key_file_is_made_once_with_mode_0600(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"
    sealed = load_vault(None, path).seal("secret", HERE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_vault("", path).open(sealed, HERE) == "secret"
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_setting_a_key_later_keeps_what_the_file_sealed(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealed = load_vault(None, path).seal("secret", HERE)
    key = new_key()
    vault = load_vault(f" {key} ,\n", path)
    assert vault.open(sealed, HERE) == "secret"
    assert Vault([key]).open(vault.seal("new", HERE), HERE) == "new"


def test_a_configured_key_needs_no_file(tmp_path: Path) -> None:
    load_vault(new_key(), tmp_path / "secret.key")
    assert list(tmp_path.iterdir()) == []


def test_those_that_start_together_use_one_key(tmp_path: Path) -> None:
    path, barrier = tmp_path / "secret.key", threading.Barrier(8)

    def seal() -> Sealed:
        barrier.wait()
        return load_vault(None, path).seal("secret", HERE)

    with ThreadPoolExecutor(8) as pool:
        sealed = [future.result() for future in [pool.submit(seal) for _ in range(8)]]
    vault = load_vault(None, path)
    assert [vault.open(each, HERE) for each in sealed] == ["secret"] * 8


def test_a_key_file_without_a_key_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    for content in ("", "canary, not a key\n"):
        path.write_text(content)
        with pytest.raises(SecretKeyError, match="does not hold a key") as caught:
            load_vault(None, path)
        assert "FEISHU_WS__SECRET_KEY" in str(caught.value)
        assert "canary" not in str(caught.value)
        assert path.read_text() == content


@pytest.mark.parametrize("place", ["/proc/feishu/secret.key", "/dev/null/secret.key"])
def test_a_key_file_that_cannot_be_made_is_explained(place: str) -> None:
    with pytest.raises(SecretKeyError, match="FEISHU_WS__SECRET_KEY"):
        load_vault(None, Path(place))


def test_a_key_file_that_is_a_directory_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SecretKeyError, match="cannot be read"):
        load_vault(None, tmp_path)


def test_a_key_file_others_can_read_is_pointed_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "secret.key"
    load_vault(None, path)
    assert "chmod 600" not in caplog.text
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        load_vault(None, path)
    assert "chmod 600" in caplog.text
