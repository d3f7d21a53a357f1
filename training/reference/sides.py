"""The rule by which the second published system switches sides in adversarial training.

The discriminator trains first. When the mean of its last ten losses falls below one threshold it judges well
enough, and the generator trains; when the mean rises above another, higher one it is fooled, and trains again.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Literal

Side = Literal["discriminator", "generator"]

WINDOW = 10
"""Losses that the published rule averages."""


class SideSwitch:
    """Whose turn it is, from the discriminator's losses alone.

    Between the thresholds nothing changes (hysteresis), and as long as there are fewer than `WINDOW` losses the
    discriminator trains. The window runs on over a switch.

    Args:
        low: the generator's turn begins when the mean loss falls below this, > 0.
        high: the discriminator's turn begins again when it rises above this, > `low`.
        losses: earlier losses, oldest first, to go on from a checkpoint; only the last `WINDOW` count.
        side: whose turn it was then.

    Raises:
        ValueError: the thresholds are not 0 < low < high.
    """

    def __init__(
        self, low: float, high: float, losses: Iterable[float] = (), side: Side = "discriminator"
    ) -> None:
        if not 0 < low < high < math.inf:
            raise ValueError(f"thresholds low={low} and high={high} must be 0 < low < high")
        self.low, self.high = low, high
        self.side: Side = side
        self._losses = deque(losses, maxlen=WINDOW)

    @property
    def losses(self) -> list[float]:
        """The last losses, oldest first, at most `WINDOW`."""
        return list(self._losses)

    @property
    def mean(self) -> float | None:
        """Mean of the last `WINDOW` losses; None while there are fewer."""
        return sum(self._losses) / WINDOW if len(self._losses) == WINDOW else None

    def update(self, loss: float) -> Side:
        """Takes the discriminator's newest loss and says whose turn the next step is.

        The loss is measured in every step, in the generator's turn as well: it could not rise unseen.
        """
        self._losses.append(loss)
        if (mean := self.mean) is not None:
            if self.side == "discriminator" and mean < self.low:
                self.side = "generator"
            elif self.side == "generator" and mean > self.high:
                self.side = "discriminator"
        return self.side
