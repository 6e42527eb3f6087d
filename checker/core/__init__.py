"""What all levels share: claims, tolerances, files, tables, claim files, coverage."""
