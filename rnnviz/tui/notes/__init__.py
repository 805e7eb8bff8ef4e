"""The notes terminal: what the lecturer sees beside the screen of the class, and steers it with."""
