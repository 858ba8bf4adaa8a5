"""The demonstration: the whole system on one machine, against a simulated town, in one command."""
