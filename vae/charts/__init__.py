"""Draws plotly figures and PNG images, without torch.

Example:
    from vae.charts.figures import elbo_bars
    from vae.charts.images import png_bytes, tile

    figure = elbo_bars(["mnist-map"], distortions=[136.0], rates=[7.0])
    file = png_bytes(tile(images, columns=10, size=28))
"""
