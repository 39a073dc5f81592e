"""Prints the median and 99th percentile, in microseconds, of executing `1+1` in a Jupyter kernel that
jupyter_client drives, from the request to the kernel's idle message. Argument: how often."""
import statistics
import sys
import time

try:
    from jupyter_client.manager import start_new_kernel
except ImportError:
    print("skip: jupyter_client is not installed (apt install python3-ipykernel python3-jupyter-client)")
    sys.exit(0)

manager, client = start_new_kernel(kernel_name="python3")
times = []
try:
    for _ in range(int(sys.argv[1])):
        start = time.perf_counter()
        request = client.execute("1+1")
        while True:
            message = client.get_iopub_msg(timeout=10)
            if (message["parent_header"].get("msg_id") == request and message["msg_type"] == "status"
                    and message["content"]["execution_state"] == "idle"):
                break
        client.get_shell_msg(timeout=10)
        times.append((time.perf_counter() - start) * 1e6)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
times.sort()
print(statistics.median(times), times[int(len(times) * 0.99)])
