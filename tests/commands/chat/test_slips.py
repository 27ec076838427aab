"""Nonces: hard to guess, good for ten minutes, and bounded in number."""

import pytest

from nonebot_plugin_feishu_ws.commands.slips import ForeignSlipError, Slips, StaleSlipError

WHO, SOMEBODY = ("cli_a", "ou_a"), ("cli_a", "ou_b")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_slip_expires() -> None:
    clock = Clock()
    slips: Slips[str] = Slips(ttl=600, clock=clock)
    early, late = slips.put(WHO, "early"), slips.put(WHO, "late")
    clock.now += 599
    assert slips.take(WHO, early, None) == "early"
    clock.now += 1
    with pytest.raises(StaleSlipError):
        slips.take(WHO, late, None)


def test_the_same_open_id_of_another_app_is_somebody_else() -> None:
    slips: Slips[str] = Slips()
    nonce = slips.put(WHO, "thing")
    for who in (SOMEBODY, ("cli_b", "ou_a")):
        with pytest.raises(ForeignSlipError):
            slips.take(who, nonce, None)
    assert slips.take(WHO, nonce, None) == "thing"


def test_a_placed_slip_is_good_on_its_card_only() -> None:
    slips: Slips[str] = Slips()
    nonce = slips.put(WHO, "thing")
    slips.place(nonce, "om_1")
    for message_id in ("om_2", None):
        with pytest.raises(StaleSlipError):
            slips.take(WHO, nonce, message_id)
    assert slips.take(WHO, nonce, "om_1") == "thing"


def test_there_are_not_more_than_so_many() -> None:
    slips: Slips[int] = Slips(most=3)
    nonces = [slips.put(WHO, n) for n in range(4)]
    assert len(set(nonces)) == 4
    assert all(len(nonce) >= 22 for nonce in nonces)  # 128 bits in base64
    with pytest.raises(StaleSlipError):
        slips.take(WHO, nonces[0], None)
    assert [slips.take(WHO, nonce, None) for nonce in nonces[1:]] == [1, 2, 3]
