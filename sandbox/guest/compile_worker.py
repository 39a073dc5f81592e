"""At build time: compiles the worker for one version of Python, whose start it shortens by half.

    compile_worker.py OUTPUT_DIRECTORY FILE...

Writes OUTPUT_DIRECTORY/<cache tag>.bin: the version's magic number, then marshalled {name: code}.
main.py uses it when it runs under the same version, and compiles the sources under any other.
"""

import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER

directory, files = sys.argv[1], sys.argv[2:]
codes = {}
for path in files:
    name = os.path.basename(path)[: -len(".py")]
    with open(path, encoding="utf-8") as file:
        codes[name] = compile(file.read(), "<caisson>/%s.py" % name, "exec")
with open("%s/%s.bin" % (directory, sys.implementation.cache_tag), "wb") as out:
    out.write(MAGIC_NUMBER + marshal.dumps(codes))
