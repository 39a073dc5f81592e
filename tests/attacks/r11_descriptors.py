# id: R-11
# title: open files until there are no more descriptors
# attacker: A1
# boundary: B10
# layer: RLIMIT_NOFILE
# leaf: resources.rlimits.nofile
# expect: {"open": ["<=resources.rlimits.nofile"], "end": ["EMFILE"]}
# control: {"open": [">4999"], "end": ["none"]}


resource = _frozen_importlib._gcd_import("resource")


def open_all(most):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    fds, end = [], "none"
    try:
        while len(fds) < most:
            fds.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        end = word(error.errno)
    for fd in fds:
        os.close(fd)
    return len(fds), end


count, end = open_all(5000)
{"open": count, "end": end}
