# -*- coding: no-such-codec -*-
print(0)
