"""PostgreSQL and an MQTT broker out of wheels, for the demonstration, trials on one machine and the tests."""
