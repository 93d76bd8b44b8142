"""Growths: a live store goes from one phase to another, up or down the ladder.

`catalog` reads what the database says about the store, its indexes and its tables; `preflight`
checks what is around it. `plan` compares that with what the phase asks for and returns steps,
without I/O. `steps`, `mirroring` and `cutover` have a small class for each kind of step. `runner`
executes them, one growth of a store at a time; `watch` watches it, `control` steers it. An
interrupted growth is planned again from what exists, and from what `state` recorded in the same
transactions: how far each table is, and which tables the views read.
"""
