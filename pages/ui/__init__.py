"""Parts that several screens share: the page layout, input widgets and the live instruments."""
