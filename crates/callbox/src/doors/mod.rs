//! The protocols by which published methods are called. A door turns a request into a call, and a
//! result into a response; what stands before every door is the [`edge`](crate::edge)'s.

pub(crate) mod xmlrpc;
