print("\udcff\ud800")
