"""Failures, prepared: small runs that go wrong as VAEs do, each with the run that is cured.

| file          | what is there                                                       |
|---------------|---------------------------------------------------------------------|
| `prepared.py` | the failures: what each shows, what is trained, what cures it       |
| `attempt.py`  | trains one and measures it, and has `vae.analysis.health` look at it       |
| `stored.py`   | what `vae failures` last measured, so that a page has it at once    |
"""
