# id: R-07
# title: fork without end
# attacker: A1
# boundary: B10
# layer: pids limit
# leaf: resources.pids.max
# expect: {"children": ["<=resources.pids.max+16"], "end": ["EAGAIN"]}
# control: {"children": [">399"], "end": ["none"]}


def bomb(most):
    children, end = [], "none"
    try:
        while len(children) < most:
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
    except OSError as error:
        end = word(error.errno)
    for pid in children:
        os.kill(pid, 9)
    for pid in children:
        os.waitpid(pid, 0)
    return len(children), end


children, end = bomb(400)
{"children": children, "end": end}
