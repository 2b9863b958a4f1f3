"""The paper's tables and figures: declared in TOML, run by command, rendered from records."""
