"""`python -m phrasepix`: the command."""

from phrasepix.cli import main

if __name__ == "__main__":
    main()
