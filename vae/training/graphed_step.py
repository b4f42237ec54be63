"""A step recorded once as a CUDA graph and played again: one launch in place of some sixty."""

from collections import deque

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.training.steps import Step

EAGER_STEPS = 3
"""Steps of each batch size taken one kernel at a time first, so that the libraries are set up."""


STEPS_AHEAD = 16
"""The device is at most twice as many steps behind, each of which is one launch."""


class GraphedStep:
    """Takes another step's steps; those of a batch size that is known by a graph.

    The numbers are the same either way: the first steps are taken, not thrown away, and a graph's
    noise goes on from where the generators stand.
    """

    def __init__(self, step: Step) -> None:
        self.sums = step.sums
        self.generators = step.generators
        self._step = step
        self._taken: dict[int, int] = {}
        self._graphs: dict[int, _Recorded] = {}
        self._aside = torch.cuda.Stream(step.sums.device)
        self._marks: deque[torch.cuda.Event] = deque()

    def __call__(
        self,
        indices: Int[Tensor, "streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        count = indices.shape[1]
        taken = self._taken.get(count, 0)
        self._taken[count] = taken + 1
        if taken < EAGER_STEPS:
            self._take_aside(indices, kl_scale, learning_rate)
            return
        if count not in self._graphs:
            self._graphs[count] = _Recorded(self._step, indices, kl_scale, learning_rate)
        self._graphs[count].play(indices, kl_scale, learning_rate)
        if self._taken[count] % STEPS_AHEAD == 0:
            self._wait_for_earlier_ones()

    def _wait_for_earlier_ones(self) -> None:
        """Launches return at once, and a report would wait for all that were made before it."""
        mark = torch.cuda.Event()
        mark.record()
        self._marks.append(mark)
        if len(self._marks) > 1:
            self._marks.popleft().synchronize()

    def _take_aside(self, *inputs: Tensor) -> None:
        """On a stream of its own: what is set up on the default one cannot be recorded."""
        current = torch.cuda.current_stream(self.sums.device)
        self._aside.wait_stream(current)
        with torch.cuda.stream(self._aside):
            self._step(*inputs)
        current.wait_stream(self._aside)


class _Recorded:
    def __init__(self, step: Step, *inputs: Tensor) -> None:
        self._inputs = [value.clone() for value in inputs]
        self._graph = torch.cuda.CUDAGraph()
        if torch.__version__ < "2.15":  # Later ones take up by themselves what is drawn from.
            for generator in step.generators:
                self._graph.register_generator_state(generator)
        # Other threads of a server may use the device while this one records.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            step(*self._inputs)

    def play(self, *inputs: Tensor) -> None:
        for mine, given in zip(self._inputs, inputs, strict=True):
            mine.copy_(given)
        self._graph.replay()
