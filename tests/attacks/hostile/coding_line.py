# -*- coding: utf-7 -*-
# +AAo-print(1)
print(0)
