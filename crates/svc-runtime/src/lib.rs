//! How a Callbox process lives: listeners, health, signals, logs.
