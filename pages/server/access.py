"""What visitors of this server may do: everything, or look only; and what it reads for them.

`LATENT_READ_ONLY=1`, or `streamlit run app.py -- --read-only`, is for public demonstrations.
"""

import os
import sys

import streamlit as st
from streamlit import config

from vae.core.access import FOLDERS_VARIABLE, READ_ONLY_VARIABLE, is_read_only

OPTION = "--read-only"
HERE_ALONE = ("localhost", "127.0.0.1", "::1")
"""Addresses that nobody else reaches."""

_UPLOAD_LIMIT = "server.maxUploadSize"


def looks_only() -> bool:
    """Whether this server was started for looking only; from the first call on it takes no file.

    Without that somebody could send files past the page, into the server's memory.
    """
    if OPTION in sys.argv[1:]:
        os.environ[READ_ONLY_VARIABLE] = "1"
    if is_read_only() and config.get_option(_UPLOAD_LIMIT):
        config.set_option(_UPLOAD_LIMIT, 0)
    return is_read_only()


def keep_to_named_folders() -> None:
    """From here on no folder is read that LATENT_FOLDERS lacks, where others reach this server.

    Alone on one's own machine any may be, so that a model of one's own pictures just opens.
    """
    is_shared = is_read_only() or config.get_option("server.address") not in HERE_ALONE
    if is_shared:
        os.environ.setdefault(FOLDERS_VARIABLE, "")


def note_if_read_only(what: str) -> bool:
    """Say in one sentence that something, such as "Training", is switched off here, if it is."""
    if not looks_only():
        return False
    st.caption(f":material/visibility: {what} is switched off: this server is for looking only.")
    return True
