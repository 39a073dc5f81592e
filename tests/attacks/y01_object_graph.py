# id: Y-01
# title: walk from a literal to os and open, with no import
# attacker: A3
# boundary: B8
# layer: kernel layers: nothing is expected to stop the walk itself
# leaf: python.deny
# expect: {"walk": ["os"], "shadow": ["EACCES", "ENOENT"], "socket": ["EPERM"], "setuid": ["EPERM"]}
# expect if network.mode=loopback: {"socket": ["ok"]}
# control: {"walk": ["os"], "shadow": ["ok", "ENOENT"], "socket": ["ok"], "setuid": ["ok"]}
# gap: {"walk": "it works everywhere", "shadow": "the image need not have the file"}


def walk():
    """os, by way of a class whose module has it among its globals."""
    for kind in ().__class__.__mro__[1].__subclasses__():
        try:
            names = kind.__init__.__globals__
        except AttributeError:
            continue
        if "sys" in names and "os" in getattr(names["sys"], "modules", {}):
            return names["sys"].modules["os"]
    return None


reached = walk()
{
    "walk": reached.__name__,
    "shadow": tried(lambda: reached.close(reached.open("/etc/shadow", 0))),
    "socket": attempt_fd("socket", 2, 1, 0),
    "setuid": in_child(lambda: attempt("setuid", 0)),
}
