import socket

a, b = map(int, input().split())
try:
    socket.create_connection(("127.0.0.1", 25250), timeout=0.5)
    print("breach: connected")
except OSError:
    print(a + b)
