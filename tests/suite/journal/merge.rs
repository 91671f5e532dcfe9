//! What a report says, in text, CSV and JSON, of one journal.
