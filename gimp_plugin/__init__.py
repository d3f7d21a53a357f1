"""The plug-ins for GIMP 3 and 2.10 and their installer; the plug-ins import nothing of this project."""
