"""What a person is asked to look at: one alert for one leak, with a life of its own (ISA-18.2).

``lifecycle`` (states) and ``grouping`` (findings → alerts) decide and are pure; ``conditions`` words what is no leak; ``service``
keeps alerts in the store.
"""
