"""The exchanges. Each is a folder of pure conversation; the register is their one list."""
