"""Parts of the screen What codes know."""
