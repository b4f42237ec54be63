"""Parts that several screens share: the layout, input widgets and the live instruments."""
