import signal


def handler(number, frame):
    raise TimeoutError


signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    while True:
        pass
except TimeoutError:
    print(sum(map(int, input().split())))
