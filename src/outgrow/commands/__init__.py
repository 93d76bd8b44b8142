"""One module per command: `commands/<name>.py` holds a click command or group called `command`.

`outgrow.cli` finds them by name and imports only the one that is called.
"""
