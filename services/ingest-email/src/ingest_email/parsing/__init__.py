"""What a raw mail says: pure, bounded, and run in processes that can be killed."""
