"""What the command line does, one file a command; ``cli.py`` holds the options and starts them."""
