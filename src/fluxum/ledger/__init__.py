"""What one holds and what it earned: positions, profit and loss, and the lines of an account."""
