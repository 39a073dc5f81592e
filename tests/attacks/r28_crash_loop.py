# id: R-28
# title: crash again and again
# attacker: A1
# boundary: B7
# layer: checkpoints, init
# leaf: session.checkpoints
# expect: {"answers": ["yes"]}
# control: {"ended": ["signal 6"]}
# needs: checkpoints
# last: it ends the interpreter


os.abort()

# next block
os.abort()

# next block
os.abort()

# next block
os.abort()

# next block
os.abort()

# next block
{"answers": "yes"}
