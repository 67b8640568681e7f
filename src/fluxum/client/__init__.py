"""The client: callbacks and last values, for programs that do not iterate over streams."""
