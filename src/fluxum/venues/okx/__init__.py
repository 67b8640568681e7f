"""OKX v5: public market data, both halves of the conversation."""
