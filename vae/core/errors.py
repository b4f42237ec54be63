"""Everything that a person can get wrong, by name.

VaeError
 ├── ConfigError              a setting outside its range, an unknown name, an unknown key
 ├── DataError                a data set that is absent, unreadable or of the wrong shape
 ├── CheckpointError          a checkpoint that cannot be used or written
 │    ├── MissingCheckpoint        nothing there
 │    ├── IncompleteCheckpoint     a file of it is absent or cut short
 │    ├── ForeignCheckpoint        not written by this program, or not in its format
 │    ├── TamperedCheckpoint       its contents do not match its own record
 │    ├── NewerCheckpoint          written by a later version
 │    └── StaleScores              its stored scores are of other weights
 ├── TrainingError            training cannot go on
 │    ├── DivergedError            a loss or weight is no longer finite
 │    └── SweepFailed              some runs of a sweep failed; the others are done
 ├── LimitError               more or larger jobs than this server takes
 ├── ClusterError             machines that cannot be reached or lack what is asked of them
 ├── UnsupportedNetwork       a decoder or an encoder that the browser cannot run
 ├── BundleError              JavaScript modules that cannot become one
 │    ├── MissingModule            an imported module or name that is not there
 │    ├── ImportCircle             modules that import each other
 │    ├── NameCollision            a name that two modules export
 │    └── UnsupportedModule        a form of import, export or text that is not bundled
 └── ReadOnlyError            a change asked of a server that is for looking only

Each message says in one line what was wrong, where, what was expected and what to do.
Any other exception that leaves `vae` is a bug.
"""


class VaeError(Exception):
    """Base of every error that is the input's fault, not the program's."""


class ConfigError(VaeError, ValueError):
    """A setting outside its range, an unknown name or an unknown key."""


class DataError(VaeError):
    """A data set that is absent, unreadable or of the wrong shape."""


class CheckpointError(VaeError):
    """A checkpoint that cannot be used or written."""


class MissingCheckpoint(CheckpointError):
    """There is no checkpoint at that place."""


class IncompleteCheckpoint(CheckpointError):
    """A file of the checkpoint is absent or cut short."""


class ForeignCheckpoint(CheckpointError):
    """The folder was not written by this program, or not in its format."""


class TamperedCheckpoint(CheckpointError):
    """The checkpoint's contents do not match its own record."""


class NewerCheckpoint(CheckpointError):
    """The checkpoint was written by a later version of this program."""


class StaleScores(CheckpointError):
    """The scores that the folder keeps are of other weights than it holds."""


class TrainingError(VaeError):
    """Training cannot go on."""


class DivergedError(TrainingError):
    """A loss or a weight is no longer finite."""


class SweepFailed(TrainingError):
    """Some runs of a sweep failed; the others are done."""


class LimitError(VaeError):
    """More or larger jobs than this server takes."""


class ClusterError(VaeError):
    """Machines that cannot be reached or lack what is asked of them."""


class UnsupportedNetwork(VaeError):
    """A decoder or an encoder that the browser cannot run."""


class BundleError(VaeError):
    """JavaScript modules that cannot become one."""


class MissingModule(BundleError):
    """An imported module or name that is not there."""


class ImportCircle(BundleError):
    """Modules that import each other."""


class NameCollision(BundleError):
    """A name that two modules export."""


class UnsupportedModule(BundleError):
    """A form of import, export or text that the bundler does not know."""


class ReadOnlyError(VaeError):
    """A change was asked of a server that is for looking only."""
