"""A class on the step screen: the questions that its phones are asked, and what they answer."""
