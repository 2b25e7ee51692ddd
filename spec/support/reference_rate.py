"""How fast botocore's adaptive mode sends: as JSON on standard output.

    reference_rate.py SEED N    [{"wait": seconds before the event, "event": "send" | "ok" | "throttled",
                                  "rate", "measured", "tokens", "now": after it}, ...], N of them

The clock is ours: it moves by the waits, and by what a send has to wait for its token.
"""

import json
import random
import sys

from botocore.retries import adaptive, bucket, throttling

START = 1000.25  # seconds; not on the border of a window
SLEEP_MIN = 0.001  # seconds; rounding may leave less than the clock can tell


class Clock:
    def __init__(self):
        self.now = START

    def current_time(self):
        return self.now


class Condition:
    """Stands in for the bucket's, whose wait is of real time."""

    def __init__(self, clock):
        self.clock = clock

    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass

    def notify(self):
        pass

    def wait(self, seconds):
        self.clock.now += max(seconds, SLEEP_MIN)


class Detector:
    throttled = False

    def is_throttling_error(self, **_):
        return self.throttled


def events(seed, count):
    """Phases of calm and of throttling, sends and answers in them close or far apart."""
    luck = random.Random(seed)
    while count > 0:
        refused = luck.choice([0, 0, 0.1, 0.5, 1])
        pause = luck.choice([0.001, 0.02, 0.3, 2])
        for _ in range(min(count, luck.randint(1, 80))):
            count -= 1
            kind = "send" if luck.random() < 0.5 else "throttled" if luck.random() < refused else "ok"
            yield pause * luck.random(), kind


def main(seed, count):
    clock = Clock()
    tokens = bucket.TokenBucket(max_rate=1, clock=clock)
    tokens._new_fill_rate_condition = Condition(clock)
    measured = adaptive.RateClocker(clock)
    detector = Detector()
    limiter = adaptive.ClientRateLimiter(
        rate_adjustor=throttling.CubicCalculator(starting_max_rate=0, start_time=clock.now),
        rate_clocker=measured, token_bucket=tokens, throttling_detector=detector, clock=clock)
    for wait, kind in events(seed, count):
        clock.now += wait
        if kind == "send":
            limiter.on_sending_request(None)
        else:
            detector.throttled = kind == "throttled"
            limiter.on_receiving_response()
        yield {"wait": wait, "event": kind, "rate": tokens.max_rate, "tokens": tokens.available_capacity,
               "measured": measured.measured_rate, "now": clock.now}


if __name__ == "__main__":
    json.dump(list(main(int(sys.argv[1]), int(sys.argv[2]))), sys.stdout)
