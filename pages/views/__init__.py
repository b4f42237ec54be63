"""Parts of the screens that have several, in a folder named as the screen."""
