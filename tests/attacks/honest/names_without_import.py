class Solution:
    def add(self, a: int, b: int) -> Optional[int]:
        counts = defaultdict(int)
        counts["a"] += a
        heap: List[int] = [b]
        return counts["a"] + heapq.heappop(heap)
