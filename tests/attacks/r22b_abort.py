# id: R-22b
# title: abort
# attacker: A1
# boundary: B7
# layer: init sees how its child ended
# leaf: session.checkpoints
# outcome: {"status": ["signal"], "signal": [6], "value": [null], "state.change": ["rolled_back"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"ended": ["signal 6"]}
# last: it ends the interpreter


os.abort()
{}
