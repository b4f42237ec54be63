"""Records a step as a CUDA graph and replays it, with one launch in place of about sixty.

Example:
    >>> step = GraphedStep(AutogradStep(run))  # a run on CUDA
    >>> step(indices, kl_scale, learning_rate)
"""

from collections import deque

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.training.steps import Step

EAGER_STEPS = 3
"""Steps of each batch size that run without a graph first, so that CUDA libraries initialise."""

STEPS_PER_SYNC = 16
"""Steps between two waits for the device, which is therefore at most twice as many steps behind."""


class GraphedStep:
    """Wraps a step; after a few steps of a batch size, replays that size's steps from a graph.

    The numbers are the same with and without a graph. The first steps count as training steps, and
    a graph draws its noise from the generators' current state.
    """

    def __init__(self, step: Step) -> None:
        self.sums = step.sums
        self.generators = step.generators
        self._step = step
        self._step_counts: dict[int, int] = {}
        self._graphs: dict[int, _RecordedStep] = {}
        self._side_stream = torch.cuda.Stream(step.sums.device)
        self._events: deque[torch.cuda.Event] = deque()

    def __call__(
        self,
        indices: Int[Tensor, "noise_streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        size = indices.shape[1]
        step_count = self._step_counts.get(size, 0)
        self._step_counts[size] = step_count + 1
        if step_count < EAGER_STEPS:
            self._run_on_side_stream(indices, kl_scale, learning_rate)
            return
        if size not in self._graphs:
            self._graphs[size] = _RecordedStep(self._step, indices, kl_scale, learning_rate)
        self._graphs[size].replay(indices, kl_scale, learning_rate)
        if self._step_counts[size] % STEPS_PER_SYNC == 0:
            self._wait_for_device()

    def _wait_for_device(self) -> None:
        """Wait for the launches before the last call, so that a report need not wait for long."""
        event = torch.cuda.Event()
        event.record()
        self._events.append(event)
        if len(self._events) > 1:
            self._events.popleft().synchronize()

    def _run_on_side_stream(self, *inputs: Tensor) -> None:
        """Take a step on a second stream: a graph cannot record state of the default stream."""
        current = torch.cuda.current_stream(self.sums.device)
        self._side_stream.wait_stream(current)
        with torch.cuda.stream(self._side_stream):
            self._step(*inputs)
        current.wait_stream(self._side_stream)


class _RecordedStep:
    """A CUDA graph of one step, and the buffers that it reads its inputs from."""

    def __init__(self, step: Step, *inputs: Tensor) -> None:
        self._inputs = [value.clone() for value in inputs]
        self._graph = torch.cuda.CUDAGraph()
        if torch.__version__ < "2.15":  # Later versions register generators by themselves.
            for generator in step.generators:
                self._graph.register_generator_state(generator)
        # Other threads of a server may use the device while this thread records.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            step(*self._inputs)

    def replay(self, *inputs: Tensor) -> None:
        """Run the recorded step on other inputs of the same shapes."""
        for buffer, value in zip(self._inputs, inputs, strict=True):
            buffer.copy_(value)
        self._graph.replay()
