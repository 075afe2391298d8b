"""``python -m era5fast`` is the command line."""

from .cli import main

main()
