# id: K-03
# title: change the root directory (pivot_root with a place that does not exist)
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"chroot": ["EPERM"], "pivot_root": ["EPERM"]}
# control: {"chroot": ["ok"], "pivot_root": ["ENOENT"]}
# explained: ["chroot", "pivot_root"]

{
    "chroot": in_child(attempt, "chroot", b"/tmp"),
    "pivot_root": in_child(attempt, "pivot_root", b"/tmp", b"/tmp/attack-nowhere"),
}
