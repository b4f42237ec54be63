"""Named errors for everything that a person can get wrong.

VaeError
 ├── ConfigError              a setting is out of range, or a name or a key is unknown
 ├── DataError                a data set is absent, unreadable or of the wrong shape
 ├── CheckpointError          a checkpoint cannot be used or written
 │    ├── MissingCheckpoint        the folder holds no checkpoint
 │    ├── IncompleteCheckpoint     one of its files is absent or cut short
 │    ├── ForeignCheckpoint        another program wrote it, or its format is wrong
 │    ├── TamperedCheckpoint       its contents do not match its own record
 │    ├── NewerCheckpoint          a later version of this program wrote it
 │    └── StaleScores              its stored scores belong to other weights
 ├── TrainingError            training cannot continue
 │    ├── DivergedError            a loss or weight is no longer finite
 │    └── SweepFailed              some runs of a sweep failed; the others are done
 ├── LimitError               a request exceeds the limits of this server
 ├── ClusterError             a machine cannot be reached, or lacks something that a job needs
 ├── UnsupportedNetwork       the browser cannot run a decoder or an encoder
 ├── BundleError              JavaScript modules cannot be joined into one
 │    ├── MissingModule            an imported module or name does not exist
 │    ├── ImportCircle             modules import each other
 │    ├── NameCollision            two modules export the same name
 │    └── UnsupportedModule        a form of import, export or text is not supported
 └── ReadOnlyError            a read-only server was asked to change something

Each message is one line. It says what was wrong and where, what was expected and what to do.
Any other exception that leaves `vae` is a bug.

Example:
    >>> try:
    ...     TrainConfig("mnist", epochs=0)
    ... except VaeError as error:
    ...     print(error)
    epochs must be a whole number from 1 to 100000, not 0
"""


class VaeError(Exception):
    """The base of all errors that a wrong input causes, as opposed to bugs."""


class ConfigError(VaeError, ValueError):
    """A setting is out of range, or a name or a key is unknown."""


class DataError(VaeError):
    """A data set is absent, unreadable or of the wrong shape."""


class CheckpointError(VaeError):
    """A checkpoint cannot be used or written."""


class MissingCheckpoint(CheckpointError):
    """The folder holds no checkpoint."""


class IncompleteCheckpoint(CheckpointError):
    """A file of the checkpoint is absent or cut short."""


class ForeignCheckpoint(CheckpointError):
    """Another program wrote the folder, or its format is wrong."""


class TamperedCheckpoint(CheckpointError):
    """The checkpoint's contents do not match its own record."""


class NewerCheckpoint(CheckpointError):
    """A later version of this program wrote the checkpoint."""


class StaleScores(CheckpointError):
    """The stored scores belong to other weights than the folder holds."""


class TrainingError(VaeError):
    """Training cannot continue."""


class DivergedError(TrainingError):
    """A loss or a weight is no longer finite."""


class SweepFailed(TrainingError):
    """Some runs of a sweep failed; the others are done."""


class LimitError(VaeError):
    """A request exceeds the limits of this server, in the number or the size of jobs."""


class ClusterError(VaeError):
    """A machine cannot be reached, or lacks something that a job needs."""


class UnsupportedNetwork(VaeError):
    """The browser cannot run a decoder or an encoder."""


class BundleError(VaeError):
    """JavaScript modules cannot be joined into one."""


class MissingModule(BundleError):
    """An imported module or name does not exist."""


class ImportCircle(BundleError):
    """Modules import each other."""


class NameCollision(BundleError):
    """Two modules export the same name."""


class UnsupportedModule(BundleError):
    """The bundler does not support a form of import, export or text."""


class ReadOnlyError(VaeError):
    """A read-only server was asked to change something."""
