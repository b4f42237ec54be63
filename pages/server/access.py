"""Applies the read-only mode, and limits the folders of images that the server reads.

`LATENT_READ_ONLY=1`, or `streamlit run app.py -- --read-only`, turns the read-only mode on.
"""

import os
import sys

import streamlit as st
from streamlit import config

from vae.core.access import FOLDERS_VARIABLE, READ_ONLY_VARIABLE, is_read_only

OPTION = "--read-only"
LOCAL_ADDRESSES = ("localhost", "127.0.0.1", "::1")
"""Server addresses that no other machine can reach."""

_UPLOAD_LIMIT = "server.maxUploadSize"


def apply_read_only_mode() -> None:
    """Apply the read-only option of the command line, and forbid uploads in that mode.

    Hiding the upload widget is not enough: a program could still send files to the server's upload
    address, and they would fill its memory. Every page calls this when it opens.
    """
    if OPTION in sys.argv[1:]:
        os.environ[READ_ONLY_VARIABLE] = "1"
    if is_read_only() and config.get_option(_UPLOAD_LIMIT):
        config.set_option(_UPLOAD_LIMIT, 0)


def restrict_folders() -> None:
    """Allow only the image folders of LATENT_FOLDERS when other machines can reach this server.

    A server that only its own machine can reach may read any folder, so a model of one's own
    images opens without further settings.
    """
    is_shared = is_read_only() or config.get_option("server.address") not in LOCAL_ADDRESSES
    if is_shared:
        os.environ.setdefault(FOLDERS_VARIABLE, "")


def note_if_read_only(what: str) -> bool:
    """In read-only mode, say that `what` (such as "Training") is switched off, and return True."""
    if not is_read_only():
        return False
    st.caption(f":material/visibility: {what} is switched off, because this server is read-only.")
    return True
