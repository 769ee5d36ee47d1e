print(input().upper().replace("A", "\u0410").replace("E", "\u0415").replace("O", "\u041e"))
