"""Records a step as a CUDA graph and replays it, with one launch in place of about sixty.

Example:
    >>> step = GraphedStep(AutogradStep(run))  # a run on CUDA
    >>> step(indices, kl_scale, learning_rate)
"""

from collections import deque
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.training.steps import Step

EAGER_STEPS = 3
"""Steps of each batch size that run without a graph first, so that CUDA libraries initialise."""

STEPS_PER_SYNC = 16
"""Steps between two waits for the device, which is therefore at most twice as many steps behind."""


class Replay(Protocol):
    """A recorded step."""

    def replay(self, *inputs: Tensor) -> None:
        """Run the recorded step on other inputs of the same shapes."""
        ...


class Mark(Protocol):
    """A place in the device's queue of work."""

    def synchronize(self) -> None:
        """Wait until the device has done the work in front of the mark."""
        ...


class Graphs(Protocol):
    """Runs and records steps on a device."""

    def run_eagerly(self, step: Step, *inputs: Tensor) -> None:
        """Take a step without a graph."""
        ...

    def record(self, step: Step, *inputs: Tensor) -> Replay:
        """Record a step without taking it."""
        ...

    def mark(self) -> Mark:
        """Mark the end of the work that the device has been given."""
        ...


class GraphedStep:
    """Wraps a step; after a few steps of a batch size, replays that size's steps from a graph.

    The numbers are the same with and without a graph. The first steps count as training steps, and
    a graph draws its noise from the generators' current state.
    """

    def __init__(self, step: Step, graphs: Graphs | None = None) -> None:
        """Wrap `step`; `graphs` are by default CUDA's on the step's device."""
        self.sums = step.sums
        self.generators = step.generators
        self._step = step
        self._step_counts: dict[int, int] = {}
        self._graphs = CudaGraphs(step.sums.device) if graphs is None else graphs
        self._recorded: dict[int, Replay] = {}
        self._marks: deque[Mark] = deque()

    def __call__(
        self,
        indices: Int[Tensor, "noise_streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        size, inputs = indices.shape[1], (indices, kl_scale, learning_rate)
        step_count = self._step_counts.get(size, 0)
        self._step_counts[size] = step_count + 1
        if step_count < EAGER_STEPS:
            self._graphs.run_eagerly(self._step, *inputs)
            return
        if size not in self._recorded:
            self._recorded[size] = self._graphs.record(self._step, *inputs)
        self._recorded[size].replay(*inputs)
        if self._step_counts[size] % STEPS_PER_SYNC == 0:
            self._wait_for_device()

    def _wait_for_device(self) -> None:
        """Wait for the launches before the last call, so that a report need not wait for long."""
        self._marks.append(self._graphs.mark())
        if len(self._marks) > 1:
            self._marks.popleft().synchronize()


class CudaGraphs:
    """See `Graphs`; steps without a graph run on a second stream."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._side_stream = torch.cuda.Stream(device)

    def run_eagerly(self, step: Step, *inputs: Tensor) -> None:
        """See `Graphs`. A graph cannot record state that the default stream has made."""
        current = torch.cuda.current_stream(self._device)
        self._side_stream.wait_stream(current)
        with torch.cuda.stream(self._side_stream):
            step(*inputs)
        current.wait_stream(self._side_stream)

    def record(self, step: Step, *inputs: Tensor) -> Replay:
        """See `Graphs`."""
        return _RecordedStep(step, *inputs)

    def mark(self) -> Mark:
        """See `Graphs`."""
        event = torch.cuda.Event()
        event.record()
        return event


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
