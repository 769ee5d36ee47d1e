import os

a, b = map(int, input().split())
folders = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/lock", "/var/lock", "/home", "/"]
folders += [os.path.expanduser("~"), ".", "/var/cache", "/var/log", "/opt", "/usr/local", "/sys/fs/cgroup"]
breach = [folder for folder in folders if os.path.exists(f"{folder}/residue_planted")]
print(f"breach: found files in {breach}" if breach else a + b)
