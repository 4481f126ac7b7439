"""What a result says: claims, drivers, bridges, and the tables an analyst asks for first."""
