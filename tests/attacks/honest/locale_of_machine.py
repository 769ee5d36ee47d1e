import locale

locale.setlocale(locale.LC_ALL, "")
print(input().upper())
