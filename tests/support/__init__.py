"""What tests share: claims to test with, references, planted mistakes."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
