"""Play a running rtsynth from Python over OSC, with python-osc's client: python python_osc.py."""

import time

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

client = SimpleUDPClient("127.0.0.1", 57140)
client.send_message("/rts/event/trigger", ["*", 0.3])
client.send_message("/rts/param/master/gain_db", -6.0)

bundle = OscBundleBuilder(time.time() + 0.5)  # on its sample, half a second from now
for address, args in (("/rts/event/set", [1, "transpose", 7.0]), ("/rts/event/trigger", [1])):
    message = OscMessageBuilder(address)
    for arg in args:
        message.add_arg(arg)
    bundle.add_content(message.build())
client.send(bundle.build())
