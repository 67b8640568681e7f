"""The account half of Gemini: orders, fills and balances."""
