//! Answers text commands over TCP.
