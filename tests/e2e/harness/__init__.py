"""What the end-to-end tests are written with: programs, a raw HTTP client, a programmable upstream, and the runner."""
