# id: F-05
# title: hard links to files of the system, and more links than a file system counts
# attacker: A3
# boundary: B8
# layer: separate file systems, inode limits
# leaf: filesystem.mounts
# expect: {"system": ["EXDEV", "EACCES", "EPERM"], "own": ["ok"], "many": ["<=200000"]}
# control: {"system": ["EXDEV"], "own": ["ok"], "many": [">100000"]}
# gap: {"system": "its /tmp is another file system as well", "own": "it is no attack",
#   "many": "a tmpfs has a limit there too, but a higher one"}


def links(most):
    made = 0
    os.mkdir("links")
    try:
        while made < most and tried(os.link, "own", "links/%d" % made) == "ok":
            made += 1
    finally:
        for each in range(made):
            os.unlink("links/%d" % each)
        os.rmdir("links")
    return made


open("own", "w").close()
{
    "system": tried(os.link, "/etc/passwd", "stolen"),
    "own": tried(os.link, "own", "other"),
    "many": links(150000),
}
