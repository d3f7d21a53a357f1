"""The compiled part of `panorama.walls`: evidence at edges, and dynamic programming over columns for all ceilings."""

import math

import numpy as np

from vanisher_core.exemplar.kernel import kernel


@kernel()
def viterbi(unary, meeting, prices, jump):  # pragma: no cover - compiled
    """The best walls up to every column, twice round the circle.

    `unary` (heights x columns x states) is what speaks for a state, `meeting` (columns x turns x states) the state
    before it that meets it in a corner (-1: none), `prices` the cost of either corner and `jump` that of any other
    change. Gives the value of every state at the end (heights x states), and which state each came from at every step
    (steps x heights x states, int16).
    """
    many, count, states = unary.shape
    value = np.zeros((2, many, states))
    back = np.empty((2 * count, many, states), np.int16)
    for step in range(2 * count):
        column, old, new = step % count, step % 2, (step + 1) % 2
        for height in range(many):
            best = 0
            for state in range(states):
                if value[old, height, state] > value[old, height, best]:
                    best = state
            for state in range(states):
                most, came = value[old, height, state], state
                if value[old, height, best] - jump > most:
                    most, came = value[old, height, best] - jump, best
                for turn in range(len(prices)):
                    source = meeting[column, turn, state]
                    if source >= 0 and value[old, height, source] - prices[turn] > most:
                        most, came = value[old, height, source] - prices[turn], source
                value[new, height, state] = most + unary[height, column, state]
                back[step, height, state] = came
    return value[0], back


@kernel()
def between(values, yaw, pitch, out):  # pragma: no cover - compiled
    """Values of a whole sphere (float32 HxW) at directions, between their four neighbours, into `out`."""
    rows, columns = values.shape
    one = np.float32(1)
    for n in range(len(out)):
        at = min(max((0.5 - pitch[n] / math.pi) * rows - 0.5, 0.0), rows - 1.001)
        across = (yaw[n] / (2 * math.pi) + 0.5) * columns - 0.5
        row, column = int(at), math.floor(across)
        down, right = np.float32(at - row), np.float32(across - column)
        left, next_one = column % columns, (column + 1) % columns
        upper = values[row, left] * (one - right) + values[row, next_one] * right
        lower = values[row + 1, left] * (one - right) + values[row + 1, next_one] * right
        out[n] = upper * (one - down) + lower * down
