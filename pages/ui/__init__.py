"""Layout, widgets and live instruments that several screens share."""
