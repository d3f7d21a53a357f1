"""Puts the plug-in where GIMP looks for it, says whether GIMP will see it there, and takes it away again.

Standard library only, and nothing of the project: the command `vanisher gimp` finds this package through the
entry point group `vanisher.gimp` and turns its errors into its own.
"""

from gimp_plugin.installer.errors import CannotWrite, InstallerError
from gimp_plugin.installer.install import install, uninstall
from gimp_plugin.installer.profiles import System
from gimp_plugin.installer.status import Report, status

__all__ = ["CannotWrite", "InstallerError", "Report", "System", "install", "status", "uninstall"]
