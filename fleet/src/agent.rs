//! `penutup-fleet agent`: a process beside the prompter on each machine. It hears the centre, and carries the closings.
pub mod board;
pub mod effective;
pub mod receiver;
