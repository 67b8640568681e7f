"""The account half of the simulated Gemini."""
