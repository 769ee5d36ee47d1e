"""Functions of numbers: exact on rationals where that is possible, else to many digits.

Nothing here grows without bound: powers and factorials beyond the limits have no value.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from mpmath import MPContext  # type: ignore[import-untyped]

from evalkit.maths.whole import (
    MAX_BITS,
    UndefinedError,
    Value,
    double_factorial,
    exact_binomial,
    exact_factorial,
    exact_power,
    gcd,
    lcm,
    modulo,
    num_bits,
)

_LARGEST = 10**15
_MPMATH = {
    **{
        name: name
        for name in [
            "sin",
            "cos",
            "tan",
            "cot",
            "sec",
            "csc",
            "sinh",
            "cosh",
            "tanh",
            "coth",
            "sech",
            "csch",
            "exp",
        ]
    },
    **{"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot", "arcsec": "asec"},
    **{"arccsc": "acsc", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh"},
}
_REAL_DOMAINS: Mapping[str, Callable[[Value], bool]] = {
    "arcsin": lambda x: -1 <= x <= 1,
    "arccos": lambda x: -1 <= x <= 1,
    "arctanh": lambda x: -1 < x < 1,
    "arccosh": lambda x: x >= 1,
    "arcsec": lambda x: abs(x) >= 1,
    "arccsc": lambda x: abs(x) >= 1,
}


@dataclass(frozen=True, slots=True)
class Convention:
    """What notation leaves open: the base of `\\log`, and what a percent sign multiplies by."""

    log_base: int | None = None
    percent: Fraction = Fraction(1, 100)


class Operations:
    """In the reals, unless `is_complex`. Each method raises UndefinedError where there is no value."""

    def __init__(self, digits: int, *, is_complex: bool, convention: Convention) -> None:
        self.context = _context(digits)
        self._is_complex = is_complex
        self._convention = convention

    def apply(self, operator: str, values: tuple[Value, ...]) -> Value:
        """Always finite: the logarithm of 0 has no value."""
        result = self._apply(operator, values)
        if not isinstance(result, Fraction) and not self.context.isfinite(result):
            raise UndefinedError(f"{operator} is infinite")
        return result

    def _apply(self, operator: str, values: tuple[Value, ...]) -> Value:
        if operator in _ARITHMETIC:
            return _ARITHMETIC[operator](*self._bounded(*self.same_kind(*values)))
        if operator in _MPMATH:
            return self._function(operator, *values)
        if operator in _WHOLE:
            return _WHOLE[operator](*values)
        if operator not in _METHODS:
            raise UndefinedError(f"{operator} has no value")
        method: Callable[..., Value] = getattr(self, f"_{_METHODS[operator]}")
        return method(*values)

    def degrees(self, value: Value) -> Value:
        """An angle in radians."""
        return self._float(value) * self.context.pi / 180

    def same_kind(self, *values: Value) -> tuple[Value, ...]:
        """As they are, or all as numbers of mpmath, which does not compute with Fractions."""
        if all(isinstance(value, Fraction) for value in values):
            return values
        return tuple(map(self._float, values))

    def _bounded(self, *values: Value) -> tuple[Value, ...]:
        """Exact numbers that have grown too long go on as floats."""
        if isinstance(values[0], Fraction) and sum(map(num_bits, values)) > MAX_BITS:
            return tuple(map(self._float, values))
        return values

    def _float(self, value: Value) -> Value:
        if not isinstance(value, Fraction):
            return value
        return self.context.mpf(value.numerator) / value.denominator

    def _function(self, name: str, argument: Value, *others: Value) -> Value:
        if others:
            raise UndefinedError(f"{name} of several values")
        domain = _REAL_DOMAINS.get(name)
        if not self._is_complex and domain and not domain(argument):
            raise UndefinedError(f"{name} outside the reals")
        self._check_size(argument)
        return getattr(self.context, _MPMATH[name])(self._float(argument))

    def _check_size(self, value: Value) -> None:
        if abs(value) > _LARGEST:
            raise UndefinedError("guard: too large")

    def _percent(self, value: Value) -> Value:
        left, right = self.same_kind(value, self._convention.percent)
        return left * right

    def _applied(self, name: Value, *values: Value) -> Value:
        """An unknown function, in place of which a fixed one without symmetries is computed."""
        floats = map(self._float, values)
        phases = (
            self.context.sin(value * (7 + index) / 5 + name) for index, value in enumerate(floats)
        )
        return sum(phases, name) * (name + len(values))

    def _negated(self, value: Value) -> Value:
        return -value

    def _absolute(self, value: Value) -> Value:
        return abs(value)

    def _sqrt(self, value: Value) -> Value:
        return self._power(value, Fraction(1, 2))

    def _root(self, value: Value, degree: Value) -> Value:
        return self._power(value, 1 / degree)

    def _cbrt(self, value: Value) -> Value:
        return self._power(value, Fraction(1, 3))

    def _power(self, base: Value, exponent: Value) -> Value:
        if isinstance(exponent, Fraction) and isinstance(base, Fraction):
            exact = exact_power(base, exponent)
            if exact is not None:
                return exact
        if base == 0:
            raise UndefinedError("a power of zero")
        if base == 1:
            return base
        self._check_power(base, exponent)
        if self._is_complex or base > 0:
            return self.context.power(self._float(base), self._float(exponent))
        return self._power_of_negative(base, exponent)

    def _check_power(self, base: Value, exponent: Value) -> None:
        self._check_size(exponent)
        magnitude = abs(self.context.log(abs(self._float(base)))) * abs(self._float(exponent))
        if magnitude > _LARGEST:
            raise UndefinedError("guard: too large")

    def _power_of_negative(self, base: Value, exponent: Value) -> Value:
        """The real root, where there is one."""
        if not isinstance(exponent, Fraction) or exponent.denominator % 2 == 0:
            raise UndefinedError("a power of a negative number")
        size = self.context.power(self._float(-base), self._float(exponent))
        return -size if exponent.numerator % 2 else size

    def _log(self, value: Value, base: Value | None = None) -> Value:
        base = base if base is not None else self._convention.log_base
        if not self._is_complex and value <= 0:
            raise UndefinedError("the logarithm of a number that is not positive")
        natural = self.context.log(self._float(value))
        return natural if base is None else natural / self.context.log(self._float(base))

    def _ln(self, value: Value) -> Value:
        return self._log(value, self.context.e)

    def _lg(self, value: Value) -> Value:
        return self._log(value, Fraction(10))

    def _factorial(self, value: Value) -> Value:
        exact = exact_factorial(value)
        if exact is not None:
            return exact
        self._check_size(value)
        return self.context.factorial(self._float(value))

    def _binomial(self, over: Value, under: Value) -> Value:
        exact = exact_binomial(over, under)
        if exact is not None:
            return exact
        self._check_size(over)
        self._check_size(under)
        return self.context.binomial(self._float(over), self._float(under))

    def _floor(self, value: Value) -> Value:
        return (
            Fraction(math.floor(value))
            if isinstance(value, Fraction)
            else self.context.floor(value)
        )

    def _ceil(self, value: Value) -> Value:
        return -self._floor(-value)

    def _sign(self, value: Value) -> Value:
        return Fraction((value > 0) - (value < 0))

    def _max(self, *values: Value) -> Value:
        return max(self.same_kind(*values))

    def _min(self, *values: Value) -> Value:
        return min(self.same_kind(*values))

    def _ratio(self, *values: Value) -> Value:
        if len(values) != 2:
            raise UndefinedError("a ratio of several values")
        over, under = self.same_kind(*values)
        return over / under


_WHOLE: Mapping[str, Callable[..., Value]] = {
    **{"!!": double_factorial, "mod": modulo, "gcd": gcd, "lcm": lcm},
}
_ARITHMETIC: Mapping[str, Callable[[Value, Value], Value]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}
_METHODS = {
    **{"neg": "negated", "abs": "absolute", "sqrt": "sqrt", "root": "root", "cbrt": "cbrt"},
    **{"^": "power", "log": "log", "ln": "ln", "lg": "lg", "!": "factorial", "%": "percent"},
    **{"binom": "binomial", "floor": "floor", "ceil": "ceil"},
    **{
        "sgn": "sign",
        "max": "max",
        "min": "min",
    },
    **{"ratio": "ratio", "apply": "applied"},
}
_CONTEXTS: dict[int, MPContext] = {}


def _context(digits: int) -> MPContext:
    """One per precision; used by one thread only, as all of a worker."""
    if digits not in _CONTEXTS:
        _CONTEXTS[digits] = MPContext()
        _CONTEXTS[digits].dps = digits
    return _CONTEXTS[digits]
