# id: P-09
# title: learn the container's id from its cgroup
# attacker: A2
# boundary: B8
# layer: private cgroup namespace, Landlock
# leaf: runtime.landlock
# expect: {"self": ["hidden", "/"], "pid 1": ["hidden", "/"]}
# control: {"self": ["names the container"], "pid 1": ["names the container"]}


def paths(pid):
    try:
        with open("/proc/%s/cgroup" % pid) as file:
            seen = {line.rstrip("\n").split(":", 2)[2] for line in file}
    except OSError:
        return "hidden"
    return "/" if seen == {"/"} else "names the container"


{"self": paths("self"), "pid 1": paths(1)}
