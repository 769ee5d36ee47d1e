import signal


def handler(number, frame):
    print("passed", flush=True)


signal.signal(signal.SIGXCPU, handler)
while True:
    pass
