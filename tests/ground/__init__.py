"""What users' claims, machines and files do; each test says so: situation → what comes of it."""
