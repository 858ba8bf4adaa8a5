"""What a person is asked to look at: one alert for one leak, with a life of its own (ISA-18.2).

``lifecycle`` (states), ``grouping`` (findings → alerts) and ``notices`` (changes → who is told) decide and are pure; ``conditions``
words what is no leak; ``service`` keeps alerts in the store; ``notifier`` sends what is in the outbox.
"""
