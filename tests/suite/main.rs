//! Every test through the front door, in one binary: the verbs, the files, the screen in a real pseudo-terminal.

mod support;
