"""The command that clears the user's cache."""

from rounds.cli.app import app


@app.command()
def clean() -> None:
    """Remove the resized images of patients that Rounds keeps outside of run folders."""
    from rounds.data.images.cached_sets import cache_folder, clear

    print(f"Removed {clear() / 1e6:,.1f} MB of resized images from {cache_folder()}.")
