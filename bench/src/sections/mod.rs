//! What is measured, a file a section; each gives back its part of the page.

pub mod clients;
pub mod codec;
pub mod gateway;
pub mod http;
pub mod idle;
pub mod overload;
pub mod scale;
pub mod start;
pub mod text;
pub mod tls;
