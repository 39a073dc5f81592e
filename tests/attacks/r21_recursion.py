# id: R-21
# title: recursion in C until the stack is used up
# attacker: A1
# boundary: B7
# layer: init sees how its child ended
# leaf: session.checkpoints
# outcome: {"status": ["signal", "out_of_memory"], "state.change": ["rolled_back"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"ended": ["signal 11"]}
# last: it ends the interpreter


sys.setrecursionlimit(10**9)


class Deep:
    def __repr__(self):
        return repr(self)


repr(Deep())
{}
