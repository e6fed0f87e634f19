//! Publishes functions over XML-RPC.
