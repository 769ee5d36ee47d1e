import socket

a, b = map(int, input().split())
breach = []
for family, kind, protocol in ((2, 3, 1), (10, 3, 58), (17, 3, 3), (17, 2, 3)):
    try:
        socket.socket(family, kind, protocol)
        breach.append((family, kind))
    except OSError:
        pass
print(f"breach: opened {breach}" if breach else a + b)
