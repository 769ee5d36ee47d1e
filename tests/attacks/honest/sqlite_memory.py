import sqlite3

a, b = map(int, input().split())
print(sqlite3.connect(":memory:").execute("select ? + ?", (a, b)).fetchone()[0])
