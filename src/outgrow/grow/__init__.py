"""Growth: takes a live store from one phase to another, `found` <-> `optimized`.

`catalogue` reads what the database says of the store; `plan` compares it with what the phase asks
for and gives steps (no I/O); `steps` holds one small class for each kind of step; `runner` does
them, one growth of a store at a time. Nothing about a growth is remembered outside the catalogue
but the phase: what was interrupted is planned again from what is there, and goes on.
"""
