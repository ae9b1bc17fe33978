"""Who plays an engine: device, drawing worker, grain worker; here, or in a process of their own.

    python -m rtsynth.player      the engine process; `process.py` says what it is told

The engine process imports no socket, no control and, unless grains are wanted, no torch.

Modules are imported one by one: a control process that starts the other needs `launch` alone,
which imports nothing that takes time. Thread: main.
"""
