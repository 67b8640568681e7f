"""Orders on paper: real market data, an account that is only simulated, and fills with bounds."""
