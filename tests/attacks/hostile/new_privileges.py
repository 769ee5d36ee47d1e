a, b = map(int, input().split())
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
holds = status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
print(a + b if holds else "breach: no_new_privs or seccomp is off")
