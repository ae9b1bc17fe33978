"""Play a running rtsynth from Python over ZeroMQ: python python_zeromq.py."""

import time

from rtsynth.client import Client

with Client() as rts:
    for event_id, onset_s, name in rts.list():
        print(f"{event_id:6} {onset_s:8.3f} s  {name}")
    started = rts.telemetry("go", timeout_s=2.0)
    with rts.bundle(at=time.time() + 0.2) as later:  # both on one sample
        later.set("*", bright=-3.0)
        later.trigger("*", velocity=0.3)
    for news in started:
        print(f"event {news.fields['event']} sounded at frame {news.frame}")
