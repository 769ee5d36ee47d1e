from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import List, NamedTuple, Optional


class Kind(Enum):
    LEFT = auto()


class Pair(NamedTuple):
    a: int
    b: int


@dataclass(order=True)
class Box:
    values: List[int] = field(default_factory=list)
    kind: Optional[Kind] = Kind.LEFT


box = Box(list(Pair(*map(int, input().split()))))
print(sum(box.values))
