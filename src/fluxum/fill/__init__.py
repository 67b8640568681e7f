"""How an order would have been filled: places in queues, taking, fees and latency; pure."""
