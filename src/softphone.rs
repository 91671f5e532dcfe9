//! Input from the telephone and from the fleet's agent: the local socket that `penutup call` and the agent use, and
//! baresip. Bytes in, [`penutup_ipc::phone_event::PhoneEvent`]s and [`penutup_ipc::agent_event::AgentEvent`]s out. Their
//! effect on a call is decided in `app`; this module knows no rules and no screen, and stores no number.

pub mod baresip;
pub mod netstring;
