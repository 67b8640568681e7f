"""The simulated half of Newvenue."""
