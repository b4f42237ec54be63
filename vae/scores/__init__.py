"""What codes score: against known factors or labels, what each score means, how it is stored."""
