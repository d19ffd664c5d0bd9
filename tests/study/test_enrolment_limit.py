"""How many may begin from one address within an hour, without any address kept."""

import pytest

from study.enrolment_limit import EnrolmentLimit
from study.errors import TooManyEnrolments


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_the_window_slides_and_addresses_do_not_share_it():
    clock = Clock()
    limit = EnrolmentLimit(2, clock=clock)
    for moment in (0, 600):
        clock.now = moment
        limit.count("192.0.2.1")
    clock.now = 700
    limit.count("192.0.2.2")
    with pytest.raises(TooManyEnrolments) as refusal:
        limit.count("192.0.2.1")
    assert refusal.value.retry_after_s == 2901
    clock.now = 3600
    limit.count("192.0.2.1")
    with pytest.raises(TooManyEnrolments):
        limit.count("192.0.2.1")


def test_no_address_is_kept_and_old_ones_leave_nothing():
    clock = Clock()
    limit = EnrolmentLimit(5, clock=clock)
    limit.count("192.0.2.77")
    assert "192.0.2.77" not in repr(vars(limit))
    clock.now = 4000
    limit.count("192.0.2.78")
    assert len(limit._moments) == 1


def test_without_a_limit_nobody_is_counted_and_nonsense_is_refused():
    limit = EnrolmentLimit(None)
    for _ in range(1000):
        limit.count("192.0.2.1")
    with pytest.raises(ValueError, match="at least 1, or None"):
        EnrolmentLimit(0)
