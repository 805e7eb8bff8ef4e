"""The pieces of the page of a net by hand: its entries, its table, its arithmetic, its tokens."""
