"""The fork server: a warm interpreter that holds no program, no input and no output of any test.

It gets a few numbers and five file descriptors, forks, and reports how the child ended. What crosses
the sandbox is read and written by the supervisor, a different process, so that nothing of
one program can be found in the memory of the next.
"""

import gc
import json
import os
import socket
import sys

sys.path.insert(0, "/opt/evalkit")

import bisect  # noqa: F401 - what programs import, warm
import collections  # noqa: F401
import copy  # noqa: F401
import ctypes  # noqa: F401
import datetime  # noqa: F401
import decimal  # noqa: F401
import fractions  # noqa: F401
import functools  # noqa: F401
import heapq  # noqa: F401
import itertools  # noqa: F401
import math  # noqa: F401
import operator  # noqa: F401
import queue  # noqa: F401
import random  # noqa: F401
import re  # noqa: F401
import shutil  # noqa: F401
import statistics  # noqa: F401
import string  # noqa: F401
import subprocess  # noqa: F401
import threading  # noqa: F401
import traceback  # noqa: F401
import typing  # noqa: F401
import unittest.mock  # noqa: F401

from runner import child

NUM_DESCRIPTORS = 5


def serve(control: socket.socket) -> None:
    """Returns in the children only, with their exit status; ends with the supervisor."""
    while True:
        message, fds, _, _ = socket.recv_fds(control, 4096, NUM_DESCRIPTORS)
        if not message:
            os._exit(0)
        order = json.loads(message)
        pid = os.fork()
        if pid == 0:
            control.detach()
            child.main(order, fds)
        for fd in fds:
            os.close(fd)
        control.send(json.dumps({"pid": pid}).encode())
        _, status, usage = os.wait4(pid, 0)
        report = {
            "status": status,
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "memory_mib": usage.ru_maxrss / 1024,
        }
        control.send(json.dumps(report).encode())


if __name__ == "__main__":
    sys.path.remove("/opt/evalkit")
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=3))
