"""The inputs of a model beside images or codes: a beta or a label for each example of a batch.

A new thing to condition on is one more field here; `encode`, `decode` and `elbo_terms` of every
kind of model take the whole record.

Example:
    condition = Condition(labels=torch.tensor([3, 7]))
    images = model.decode_mean(z, condition)
"""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """The side information of a batch; None where a model needs none."""

    beta: Float[Tensor, "batch"] | None = None
    """The beta of each example, for a model with a `beta_range`."""

    labels: Int[Tensor, "batch"] | None = None
    """The class label of each example, for a conditional model; -1 where it is unknown."""

    def rows(self, rows: slice) -> "Condition":
        """Returns the condition of some examples of the batch."""
        return Condition(
            None if self.beta is None else self.beta[rows],
            None if self.labels is None else self.labels[rows],
        )


UNCONDITIONED = Condition()
"""The condition of a model that needs neither a beta nor a label."""
