# id: C-03
# title: have the kernel kill the checkpoint and not the block when memory is short
# attacker: A3
# boundary: B7
# layer: Landlock, init's choice of oom_score_adj
# leaf: session.checkpoints
# needs: checkpoints
# expect: {"of checkpoints": ["EACCES"], "own": ["EACCES"], "badness": ["EACCES"]}
# control: {"of checkpoints": ["ok"], "own": ["ok"], "badness": ["ok"]}
# dies: yes

targets = strangers()
{
    "of checkpoints": worst(opens("/proc/%d/oom_score_adj" % pid, os.O_WRONLY) for pid in targets),
    "own": opens("/proc/self/oom_score_adj", os.O_WRONLY),
    "badness": worst(opens("/proc/%d/oom_score" % pid) for pid in targets),
}
