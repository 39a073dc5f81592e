# id: R-22c
# title: leave with status 0, as if all were well
# attacker: A1
# boundary: B7
# layer: init sees how its child ended
# leaf: session.checkpoints
# outcome: {"status": ["exited"], "value": [null], "state.change": ["rolled_back"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"ended": ["lost"]}
# last: it ends the interpreter


print("PASSED", flush=True)
os._exit(0)
{}
