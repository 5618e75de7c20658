"""Credit (信用) of a firm: a pure function of dated facts, published with its arithmetic, as of any day."""
