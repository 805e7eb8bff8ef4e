"""The base of panels and pages: what each is given (a view state) and how it draws."""
