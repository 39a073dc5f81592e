# id: R-22a
# title: read from address 0
# attacker: A1
# boundary: B7
# layer: init sees how its child ended
# leaf: session.checkpoints
# outcome: {"status": ["signal"], "signal": [11], "value": [null], "state.change": ["rolled_back"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"ended": ["signal 11"]}
# last: it ends the interpreter


print("the answer is 42", flush=True)
ctypes.string_at(0)
{}
