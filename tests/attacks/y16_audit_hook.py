# id: Y-16
# title: an audit hook that refuses everything, for good
# attacker: A1
# boundary: B7
# layer: the session breaks only itself
# leaf: python.deny
# outcome: {"status": ["raised", "exited", "signal", "timeout_wall"]}
# control: {"ended": ["raised", "exited", "lost"]}
# timeout: 1
# breaks: its own session, and nothing else


def refuse(event, arguments):
    if event in ("open", "compile", "exec", "object.__getattr__"):
        raise RuntimeError("refused")


sys.addaudithook(refuse)

# next block
compile("1", "after", "eval")
{}
