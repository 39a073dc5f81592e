# id: P-17
# title: plant code that a later interpreter runs
# attacker: A4
# boundary: B12
# layer: read-only root, isolated mode
# leaf: filesystem.write
# expect: {"sitecustomize": ["EROFS", "EACCES"], "standard library": ["EROFS", "EACCES"],
#   "preload": ["EROFS", "EACCES", "ENOENT"], "isolated": ["1"], "user site": ["off"],
#   "worker": ["EROFS", "EACCES"], "shadowed module": ["real"]}
# control: {"sitecustomize": ["ok", "EROFS"], "standard library": ["ok", "EROFS"],
#   "preload": ["ok", "EROFS"], "isolated": ["0"], "user site": ["on"],
#   "worker": ["ENOENT"], "shadowed module": ["planted"]}
# gap: {"sitecustomize": "the control's root file system is the image itself: it must stay whole",
#   "standard library": "as above", "preload": "as above"}

LIBRARY = os.path.dirname(os.__file__)


def plant(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        return word(error.errno)
    os.unlink(path)
    return "ok"


def shadow(name):
    """Whose module of the standard library a later import would take."""
    planted = []
    for folder in sys.path:
        path = os.path.join(folder or ".", name + ".py")
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            planted.append(path)
        except OSError:
            pass
    spec = _frozen_importlib._gcd_import("importlib.machinery").PathFinder.find_spec(name, sys.path)
    for path in planted:
        os.unlink(path)
    return "planted" if spec.origin in planted else "real"


{
    "sitecustomize": plant(os.path.join(LIBRARY, "attack_p17_sitecustomize.py")),
    "standard library": plant(os.path.join(LIBRARY, "attack_p17.pth")),
    "preload": plant("/etc/attack_p17.preload"),
    "worker": plant("/caisson/worker/attack_p17.py"),
    "isolated": str(sys.flags.isolated),
    "user site": "off" if sys.flags.no_user_site else "on",
    "shadowed module": shadow("nturl2path"),
}
