"""The composition root: settings, wiring, command line, embedded services. It sees everything; nothing sees it."""
