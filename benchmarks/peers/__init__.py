"""Switchboard beside other systems, on the same texts, model, database and machine: see benchmarks/README.md."""
