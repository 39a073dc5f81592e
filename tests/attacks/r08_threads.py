# id: R-08
# title: threads without end
# attacker: A1
# boundary: B10
# layer: pids limit
# leaf: resources.pids.max
# expect: {"threads": ["<=resources.pids.max+16"], "end": ["RuntimeError"]}
# control: {"threads": [">399"], "end": ["none"]}


threading = _frozen_importlib._gcd_import("threading")


def start(most):
    threading.stack_size(65536)  # else their stacks are what is limited first
    enough, threads, end = threading.Event(), [], "none"
    try:
        while len(threads) < most:
            thread = threading.Thread(target=enough.wait)
            thread.start()
            threads.append(thread)
    except RuntimeError:
        end = "RuntimeError"
    enough.set()
    for thread in threads:
        thread.join()
    return len(threads), end


threads, end = start(400)
{"threads": threads, "end": end}
