"""Plotly figures and PNG images, without torch."""
