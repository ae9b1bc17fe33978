"""Play a running rtsynth from Python over OSC, with python-osc's client: python python_osc.py."""

from pythonosc.udp_client import SimpleUDPClient

client = SimpleUDPClient("127.0.0.1", 57140)
client.send_message("/rts/notify", 1)
client.send_message("/rts/param/master/gain_db", -6.0)
client.send_message("/rts/event/set", [1, "transpose", 7.0])
client.send_message("/rts/event/trigger", ["*", 0.3])
client.send_message("/rts/sync", 1)
for message in client.get_messages(timeout=1):  # done, go, end, synced …
    print(message.address, *message.params)
