# id: R-05
# title: a sparse file of a tebibyte
# attacker: A1
# boundary: B10
# layer: RLIMIT_FSIZE
# leaf: resources.rlimits.fsize
# expect: {"truncate": ["EFBIG"], "fallocate": ["EFBIG", "ENOSPC"]}
# control: {"truncate": ["ok"], "fallocate": ["ok"]}


def with_file(name, *arguments):
    fd = os.open("sparse", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        return attempt(name, fd, *arguments)
    finally:
        os.close(fd)
        os.unlink("sparse")


{
    "truncate": with_file("ftruncate", 1 << 40),
    "fallocate": with_file("fallocate", 0, 0, 600 << 20),
}
