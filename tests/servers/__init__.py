"""Programs that only tests need: RabbitMQ and Chromium, found and started."""
