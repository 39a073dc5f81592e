# id: R-16
# title: one call into C that does not come back
# attacker: A1
# boundary: B10
# layer: init's clock outside of the interpreter
# leaf: time.block
# outcome: {"status": ["timeout_wall"], "usage.wall_ms": ["<=6000"]}
# control: {"ended": ["lost"]}
# timeout: 1


re = _frozen_importlib._gcd_import("re")
re.match("(a+)+$", "a" * 64 + "b")
{}
