"""Growth: takes a live store from one phase to another, up or down the ladder.

`catalog` reads what the database says of the store, its indexes and its tables; `plan` compares
it with what the phase asks for and gives steps (no I/O); `steps`, `mirroring` and `cutover` hold
one small class for each kind of step; `runner` does them, one growth of a store at a time, watched
by `watch`. What was interrupted is planned again from what is there, and from what `state` wrote
down in the same transactions: how far each table is, and which of them the views read.
"""
