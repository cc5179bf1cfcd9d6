"""What only tests need of the system, RabbitMQ and Chromium above all: found, installed, started."""
