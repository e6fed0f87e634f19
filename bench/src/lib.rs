//! What more than one of the programs here needs.

pub mod proc_files;
