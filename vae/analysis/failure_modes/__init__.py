"""Prepared failures: small runs that fail as VAEs often do, each with a run that does not.

| file          | contents                                                                     |
|---------------|------------------------------------------------------------------------------|
| `prepared.py` | the failures: their settings, symptoms, causes and cures                     |
| `attempt.py`  | trains and measures the runs of a failure; reads and writes stored outcomes  |
| `stored.json` | the outcomes that ship with the program, so that the page need not train     |

Example:
    >>> stored = load_stored_failures()
    >>> [issue.name for issue in stored.outcomes["collapse"].failure.symptoms]
    ['collapse']
"""
