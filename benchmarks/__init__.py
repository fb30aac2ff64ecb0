"""What the pipeline costs beside its floor: run by `make bench`, written up in docs/architecture/performance.md."""
