"""A manifest to look at in a browser: the page that follows its files, and the one that is written to a file."""

from .export import export_page
from .page import ASSETS, live_page, regions, title
from .told import DraftTold, Fault, Scene, Told, View

__all__ = ["ASSETS", "DraftTold", "Fault", "Scene", "Told", "View", "export_page", "live_page", "regions", "title"]
