"""Mail that cannot become a message, kept until somebody looks at it."""
