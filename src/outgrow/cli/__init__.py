"""The command `outgrow`. `main` imports the module of the command that is called, and no other."""
