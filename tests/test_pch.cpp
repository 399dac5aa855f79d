// A target for the precompiled header needs a source.
