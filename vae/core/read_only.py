"""A server for looking only, as for a public demonstration: nothing is trained, brought or kept.

LATENT_READ_ONLY=1 in the environment makes it one. What would change anything asks here first, so
that it is refused wherever the request comes from, and not merely left out of a page.
"""

import os

from vae.core.errors import ReadOnlyError

READ_ONLY_VARIABLE = "LATENT_READ_ONLY"
_OFF = ("", "0", "false", "no", "off")


def is_read_only() -> bool:
    """Whether this process only shows what there is; any word that is not a no means yes."""
    return os.environ.get(READ_ONLY_VARIABLE, "").strip().lower() not in _OFF


def refuse_if_read_only(what: str) -> None:
    """Raise ReadOnlyError where this process only shows what there is.

    `what` begins the sentence, such as "training" or "a download".
    """
    if is_read_only():
        raise ReadOnlyError(
            f"{what} is switched off here: this server is for looking only; start one of your own "
            f"without {READ_ONLY_VARIABLE}"
        )
