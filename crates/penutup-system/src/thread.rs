//! The end of a thread.

use std::thread::JoinHandle;

/// Waits for the end of a thread that has nothing left to do. A process must not end while one of its threads does: Wine crashes then.
pub fn join_ended(thread: JoinHandle<()>) {
    // A panic in it was already reported.
    let _ = thread.join();
}
