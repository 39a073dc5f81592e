# id: R-24a
# title: a value of 20 MB
# attacker: A1
# boundary: B5
# layer: init's limit of a value
# leaf: output.value.max_bytes
# outcome: {"status": ["result_too_large"]}
# control: {"ended": ["ok"]}


"x" * (20 << 20)
