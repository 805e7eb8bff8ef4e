"""Text, vocabularies and readers for the data sets the shipped models are trained on."""
