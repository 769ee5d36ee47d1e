import os

a, b = map(int, input().split())
found = os.path.exists("/tmp/residue_test")
os.close(os.open("/tmp/residue_test", os.O_CREAT | os.O_WRONLY))
print("breach: a file of an earlier test" if found else a + b)
