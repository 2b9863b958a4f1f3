"""Other amortized methods: their networks with their losses."""
