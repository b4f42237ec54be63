"""What a monkey does to each kind of widget: values at and beyond its bounds, and hostile texts."""

import json
import math
import random
from collections.abc import Callable
from typing import Any

from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.NumberInput_pb2 import NumberInput
from streamlit.proto.WidgetStates_pb2 import WidgetState

TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b\r\nc",
    "9" * 5000,
    "9" * 5000 + ",1",
    "w" * 20_000,
    "🦆" * 50,
    "سفينة",
    "\u202egnp.exe",
    "**b** `c` [x](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    ":smile: -> $x$",
    "../../../../etc/passwd",
    "nan",
    "-inf",
    "1e309",
    "-1",
    "only=",
    "only=99",
    "only=3+3",
    "without=" + "+".join(map(str, range(10))),
    "folder:/",
    "0,0",
    "1,2",
    "nan,inf",
    "{}",
)
NUMBERS: tuple[float, ...] = (0, -1, 1, 3, 0.5, 1e9, -1e9, 1e300, -1e300, 2**53, -(2**63))
INSTRUMENT_STATES = ("z", "t", "pinned", "drawn", "tool", "beta", "asked", "selection")
State = Callable[[random.Random, Any, WidgetState], None]


def _slide(chance: random.Random, told: Any, state: WidgetState) -> None:
    if told.options:
        state.string_array_value.data.append(chance.choice([*told.options, *TEXTS]))
        return
    steps = int((told.max - told.min) / told.step) if told.step else 1
    inside = told.min + chance.randint(0, steps) * told.step
    ways = [[inside], [told.min], [told.max], [told.max + 1], [math.nan], [math.inf], []]
    (value,) = chance.choices(ways, [4, 2, 2, 1, 1, 1, 1])
    state.double_array_value.data.extend(value)


def _count(chance: random.Random, told: Any, state: WidgetState) -> None:
    low, high = (told.min if told.has_min else -100.0), (told.max if told.has_max else 1e4)
    ways = [low, high, told.default, low - 1, high + 1, low + (high - low) * chance.random()]
    ways += [min(high, low + chance.randint(0, 5)), chance.choice(NUMBERS)]
    if told.data_type == NumberInput.FLOAT:
        ways += [math.nan, math.inf]
    value = chance.choice(ways)
    state.double_value = float(int(value)) if told.data_type == NumberInput.INT else value


def _choose(chance: random.Random, told: Any, state: WidgetState) -> None:
    beyond = chance.random() < 0.1 or not told.options
    state.string_value = chance.choice(TEXTS if beyond else told.options)


def _choose_button(chance: random.Random, told: Any, state: WidgetState) -> None:
    offered = [option.content for option in told.options]
    count = chance.choices([1, 0, 2], [8, 1, 1])[0]
    for _ in range(count):
        state.string_array_value.data.append(
            chance.choice(TEXTS if chance.random() < 0.1 or not offered else offered)
        )
    if not count:
        state.string_array_value.SetInParent()


def _choose_several(chance: random.Random, told: Any, state: WidgetState) -> None:
    offered = list(told.options)
    some = chance.sample(offered, chance.randint(0, len(offered)))
    state.string_array_value.data.extend(chance.choice((some, offered, [], [chance.choice(TEXTS)])))
    state.string_array_value.SetInParent()


def _write(chance: random.Random, told: Any, state: WidgetState) -> None:
    state.string_value = chance.choice(TEXTS)


def _flip(chance: random.Random, told: Any, state: WidgetState) -> None:
    state.bool_value = chance.random() < 0.5


def _open_fold(chance: random.Random, told: Any, state: WidgetState) -> None:
    state.bool_value = chance.random() < 0.8


def _press(chance: random.Random, told: Any, state: WidgetState) -> None:
    state.trigger_value = True


def _handle(chance: random.Random, told: BidiComponent, state: WidgetState) -> None:
    """What an instrument could report, or could not."""
    names = chance.sample(INSTRUMENT_STATES, chance.randint(1, 3))
    state.json_value = json.dumps({name: _reported(chance, name) for name in names})


def _reported(chance: random.Random, name: str) -> object:
    if chance.random() < 0.4:
        return _anything(chance)
    code = [chance.gauss(0, 2) for _ in range(chance.choice((1, 2, 3, 4, 5, 10, 30)))]
    usual: dict[str, Callable[[], object]] = {
        "z": lambda: code,
        "t": chance.random,
        "pinned": lambda: {"z": code, "index": chance.randint(-2, 100)},
        "drawn": lambda: {"strokes": [[1, 2, 3, 4]], "pixels": [0] * 64, "z": code},
        "tool": lambda: chance.choice(("draw", "point", "")),
        "beta": lambda: 10 ** chance.uniform(-4, 4),
        "asked": lambda: {"number": chance.randint(-1, 9), "asks": [_anything(chance)]},
        "selection": lambda: {"points": [{"point_index": chance.choice(NUMBERS)}]},
    }
    return usual[name]()


def _anything(chance: random.Random, depth: int = 0) -> object:
    """Any JSON value, and the numbers that only Python's JSON has."""
    if depth < 3 and chance.random() < 0.4:
        return [_anything(chance, depth + 1) for _ in range(chance.randint(0, 4))]
    if depth < 3 and chance.random() < 0.3:
        keys = ("z", "index", "strokes", "pixels", "number", "asks", "decoder", "codes", "x")
        return {chance.choice(keys): _anything(chance, depth + 1) for _ in range(3)}
    plain = (None, True, math.nan, math.inf, *NUMBERS, chance.gauss(0, 1))
    return chance.choice((chance.choice(plain), chance.choice(TEXTS)))


def _select(chance: random.Random, told: Any, state: WidgetState) -> None:
    """Points that a chart has, or has not; charts that nobody can select in hear nothing."""
    place = chance.choice((0, 1, 5, 40, chance.randint(0, 2000), -1, 10**9))
    point = {"point_index": place, "curve_number": 0, "x": 0, "y": 0}
    points = [[], [point], [point, point]]
    indices: list[list[int]] = [[], [place], [0, 1, 2], list(range(30))]
    told_points, told_indices = chance.choice(points), chance.choice(indices)
    selection = {"points": told_points, "point_indices": told_indices, "box": [], "lasso": []}
    state.string_value = json.dumps({"selection": selection})


STATES: dict[str, State] = {
    "slider": _slide,
    "number_input": _count,
    "selectbox": _choose,
    "button_group": _choose_button,
    "multiselect": _choose_several,
    "text_input": _write,
    "checkbox": _flip,
    "fold": _open_fold,
    "button": _press,
    "bidi_component": _handle,
    "plotly_chart": _select,
}
"""How each kind of widget is set."""
