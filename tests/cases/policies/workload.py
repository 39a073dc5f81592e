# Runs inside the filter and the Landlock ruleset of `strict`; exits with 0 when all of it works.
import asyncio, errno, os, shutil, signal, socket, sqlite3, tempfile, threading, time

results = []
threads = [threading.Thread(target=results.append, args=(i,)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(results) == 8

directory = tempfile.mkdtemp(dir="/tmp")
try:
    database = sqlite3.connect(directory + "/a.db")
    database.execute("pragma journal_mode=wal")
    database.execute("create table a (b)")
    database.executemany("insert into a values (?)", [(i,) for i in range(100)])
    database.commit()
    database.close()
    os.mkfifo(directory + "/fifo")
    os.mkdir(directory + "/sub")
    shutil.copy2(directory + "/a.db", directory + "/sub/b.db")
    os.rename(directory + "/sub/b.db", directory + "/c.db")
    os.symlink("c.db", directory + "/link")

    async def main():
        server = await asyncio.start_unix_server(lambda r, w: w.close(), directory + "/s")
        server.close()
        await asyncio.to_thread(time.sleep, 0.001)

    asyncio.run(main())
finally:
    shutil.rmtree(directory)

child = os.fork()
if child == 0:
    os._exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3

signal.signal(signal.SIGUSR1, lambda *_: results.append("signal"))
signal.raise_signal(signal.SIGUSR1)
assert results[-1] == "signal"

try:
    import numpy
except ModuleNotFoundError:
    pass
else:
    assert numpy.linalg.inv(numpy.eye(50)).sum() == 50

try:
    socket.socket(socket.AF_INET)
except OSError as error:
    assert error.errno == errno.EXFULL
else:
    raise AssertionError("a socket")
try:
    open("/proc/self/mountinfo")
except PermissionError:
    pass
else:
    raise AssertionError("the mounts are readable")
