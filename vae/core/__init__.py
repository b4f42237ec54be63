"""Settings, records, errors and names that every other room uses."""
