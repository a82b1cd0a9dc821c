"""The engine: levels one after the other, exact tiles, the stop rule, devices."""
