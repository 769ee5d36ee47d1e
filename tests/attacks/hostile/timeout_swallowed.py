def work():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


work()
