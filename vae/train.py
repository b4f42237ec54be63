"""Moved to `vae.training`."""

from vae.training import REPORT_SECONDS, Report, Training

__all__ = ["REPORT_SECONDS", "Report", "Training"]
