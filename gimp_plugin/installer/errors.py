"""What the installer raises; messages hold what was found, the rule and what to do.

InstallerError      no GIMP, or a folder that is no profile
└── CannotWrite     a folder or file that could not be written
"""


class InstallerError(Exception):
    """The plug-in cannot be installed as asked."""


class CannotWrite(InstallerError):
    """A folder or file could not be written or removed."""
