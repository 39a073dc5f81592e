# id: R-30
# title: timers and queued signals without end
# attacker: A1
# boundary: B10
# layer: RLIMIT_SIGPENDING
# leaf: resources.rlimits.sigpending
# expect: {"timers": ["<=resources.rlimits.sigpending"], "end": ["EAGAIN"]}
# control: {"timers": [">999"], "end": ["none"]}


def make(most):
    made, end, identity = [], "none", ctypes.c_int()
    while len(made) < most and end == "none":
        end = attempt("timer_create", 1, None, ctypes.byref(identity))
        if end == "ok":
            made.append(identity.value)
            end = "none"
    for one in made:
        call("timer_delete", one)
    return len(made), end


timers, end = make(1000)
{"timers": timers, "end": end}
