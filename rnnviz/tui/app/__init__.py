"""What both apps share: themes, the command palette, the driver, ending on a signal."""
