"""Networks in other programs' formats: one file a layer family, `model` puts them together."""
