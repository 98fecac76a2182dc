"""How fast ticker is, beside the least that any server must do."""
