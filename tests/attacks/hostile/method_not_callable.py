class Solution:
    add = 61443
