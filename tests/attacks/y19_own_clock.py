# id: Y-19
# title: lie about the time
# attacker: A3
# boundary: B12
# layer: init's clock
# leaf: time.block
# outcome: {"usage.wall_ms": [">290"]}
# expect: {"measured": [0]}
# control: {"measured": [0]}
# gap: {"measured": "code may believe what it likes; the outcome has the time"}


time = _frozen_importlib._gcd_import("time")
real = {name: getattr(time, name) for name in ("time", "monotonic", "perf_counter")}
for name in real:
    setattr(time, name, lambda: 0)
before = time.time()
time.sleep(0.3)
measured = time.time() - before
for name in real:
    setattr(time, name, real[name])
{"measured": measured}
