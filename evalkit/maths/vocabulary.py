"""The words that answers are made of: functions, constants, connectives, units."""

from fractions import Fraction

_NAMES = (
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch "
    "arcsinh arccosh arctanh exp ln lg sqrt cbrt abs floor ceil max min gcd lcm sgn log det"
)
FUNCTIONS = {name: name for name in _NAMES.split()} | {
    **{"asin": "arcsin", "acos": "arccos", "atan": "arctan", "tg": "tan", "ctg": "cot"},
    **{"cosec": "csc", "arsinh": "arcsinh", "arcosh": "arccosh", "artanh": "arctanh"},
    **{
        "asinh": "arcsinh",
        "acosh": "arccosh",
        "atanh": "arctanh",
        "sign": "sgn",
        "arctg": "arctan",
    },
    **{"Abs": "abs", "ceiling": "ceil", "log10": "lg", "sh": "sinh", "ch": "cosh", "th": "tanh"},
}
CONSTANT_NAMES = {
    "pi": "pi",
    "Pi": "pi",
    "PI": "pi",
    "infinity": "infty",
    "inf": "infty",
    "oo": "infty",
}
SEPARATORS = {
    "and": "and",
    "or": "or",
    "quad": ";",
    "qquad": ";",
    "wedge": "and",
    "land": "and",
} | {
    **{"vee": "or", "lor": "or", "或": "or", "和": "and", "与": "and", "及": "and"},
}
TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})

# Per dimension, what one of each unit is in the first unit of its row.
_UNITS = {
    "length": "m meter metre:1 km kilometer kilometre:1000 cm centimeter centimetre:1/100 "
    "mm millimeter millimetre:1/1000 in inch inches:127/5000 ft foot feet:381/1250 "
    "yd yard:1143/1250 mile mi:201168/125 nm nanometer:1/1000000000",
    "mass": "kg kilogram:1 g gram:1/1000 mg milligram:1/1000000 lb lbs pound:45359237/100000000 "
    "ton tonne:1000",
    "time": "s sec second:1 min minute:60 h hr hour:3600 day:86400 week:604800 ms millisecond:1/1000 "
    "year yr:31557600",
    "volume": "l L liter litre:1 ml mL milliliter millilitre:1/1000",
    "angle": "degree deg:1",
    "arc": "rad radian:1",
    "money": "dollar usd:1 cent:1/100",
    "speed": "mph:1 kmh kph:15625/25146",
    "force": "N newton:1",
    "energy": "J joule:1 kJ kilojoule:1000",
    "electronvolt": "eV:1 keV:1000 MeV:1000000 GeV:1000000000",
    "power": "W watt:1 kW kilowatt:1000 mW milliwatt:1/1000 MW megawatt:1000000",
    "temperature": "K kelvin:1",
    "celsius": "C celsius:1",
    "fahrenheit": "F fahrenheit:1",
    "frequency": "Hz hertz:1 kHz:1000 MHz:1000000 mHz:1/1000",
    "pressure": "Pa pascal:1 kPa:1000 MPa:1000000 atm:101325",
    "charge": "coulomb:1",
    "amount": "mol mole:1 mmol:1/1000",
    "energy of calories": "cal calorie:1 kcal:1000",
    "energy in cgs": "erg:1",
    "magnetic field": "T tesla:1",
    "resistance": "ohm:1 kohm:1000",
    "voltage": "V volt:1",
    "forenoon": "am a.m:1",
    "afternoon": "pm p.m:1",
}


def _unit_table() -> dict[str, tuple[str, str]]:
    table: dict[str, tuple[str, str]] = {}
    for dimension, row in _UNITS.items():
        waiting: list[str] = []
        for entry in row.split():
            name, _, factor = entry.partition(":")
            waiting.append(name)
            if factor:
                table.update((one, (dimension, factor)) for one in waiting)
                waiting = []
    return table


UNITS = _unit_table()
"""Name of a unit, in the singular and lower case -> (dimension, factor as a fraction)."""
UNIT_WORDS = frozenset(UNITS) | frozenset(f"{name}s" for name in UNITS) | {"percent", "pct"}
MULTIPLIERS: dict[str, int | Fraction] = {
    **{"dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9},
    **{"trillion": 10**12, "half": Fraction(1, 2), "halve": Fraction(1, 2)},
    **{"third": Fraction(1, 3), "quarter": Fraction(1, 4), "lakh": 10**5, "crore": 10**7},
    **{"万": 10**4, "亿": 10**8},
}
NO_UNITS = frozenset(
    (
        *("plus", "minus", "times", "squared", "cubed", "over", "divided", "less", "more", "not"),
        *("no", "wrong", "maybe", "perhaps", "approximately", "about", "if", "where", "when"),
        *("for", "mod", "is", "zero", "one", "two", "three", "four", "five", "six", "seven"),
        *("negative", "false", "twenty", "thirty", "fifty", "或者"),
        *("eight", "nine", "ten", "factorial", "oder", "ou", "under", "above", "below"),
    )
)
"""Words that change what stands before them, so that they cannot be left out as a unit can."""
PERCENT_WORDS = frozenset({"percent", "pct", "per cent", "percents", "percentage"})
FUNCTION_LETTERS = frozenset(("f", "g", "h", "zeta", "Gamma"))
"""Letters that are functions where a bracket follows, and not factors."""
REFUSED = frozenset(
    (
        *("not", "to", "rightarrow", "Rightarrow", "implies", "iff", "forall", "exists", "mapsto"),
        *("subset", "subseteq", "subsetneq", "supset", "supseteq", "parallel", "perp", "cong"),
        *("nmid", "prec", "succ", "leftarrow", "Leftarrow", "leftrightarrow", "Leftrightarrow"),
        *("therefore", "because", "propto", "ll", "gg", "vdash", "models", "otimes", "circ"),
        *("partial", "nabla", "neg", "lnot", "nexists", "longrightarrow", "hookrightarrow"),
    )
)
"""Commands that relate or negate; they must not be taken for names."""
FOREIGN = frozenset(
    ("sum", "prod", "int", "iint", "iiint", "oint", "lim", "limsup", "liminf", "arg")
)
"""Commands that are left to Math-Verify."""
