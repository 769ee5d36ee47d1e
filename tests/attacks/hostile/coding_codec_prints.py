import codecs

codecs.register(lambda name: codecs.lookup("utf-8") if name.startswith("forged") else None)
exec(compile(b"# coding: forged\nprint('passed')\n", "<forged>", "exec"))
