"""Parts of the screen Anomalies."""
