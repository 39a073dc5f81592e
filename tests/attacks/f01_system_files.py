# id: F-01
# title: write into the system: accounts, start files, packages, programs
# attacker: A3
# boundary: B8
# layer: read-only root, Landlock
# leaf: filesystem.write
# expect: {"accounts": ["EROFS", "EACCES"], "start file": ["EROFS", "EACCES", "ENOENT"],
#   "packages": ["EROFS", "EACCES"], "programs": ["EROFS", "EACCES"], "remove": ["EROFS", "EACCES"],
#   "device": ["ok"]}
# control: {"accounts": ["EROFS"], "start file": ["EROFS", "ENOENT"], "packages": ["EROFS"],
#   "programs": ["EROFS"], "remove": ["EROFS"], "device": ["ok"]}
# gap: {"accounts": "the control's root is read-only too, for the sake of the image that it shares",
#   "start file": "the same", "packages": "the same", "programs": "the same", "remove": "the same",
#   "device": "it only shows that the check can succeed"}


def writes(path):
    return opens(path, os.O_WRONLY | os.O_CREAT)


def removes(path):
    return tried(os.unlink, path)


{
    "accounts": writes("/etc/passwd"),
    "start file": writes("/root/.bashrc"),
    "packages": writes(os.path.dirname(os.__file__) + "/sitecustomize.py"),
    "programs": writes("/usr/bin/python3-copy"),
    "remove": removes("/etc/passwd"),
    "device": writes("/dev/null"),
}
