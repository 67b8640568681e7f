"""The account half of simulated USD-M futures."""
