"""Archives events and computes reports from them."""
