import codecs


def forged(error):
    return "61443", error.end


for name in ("strict", "replace", "backslashreplace", "surrogateescape"):
    codecs.register_error(name, forged)
print("\udc80")
