"""Models: the folder that holds a net and all that is needed to use it; read, checked, written, found."""
