//! Passwords, and a cost at which to open them takes no time.

use zarc::command::{KeyCost, KeySource, Password};

/// These words as a password.
pub fn word(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec())
}

/// The same as after `-key`.
pub fn key_words(text: &str) -> KeySource {
    KeySource::Words(word(text))
}

/// The least that a password may cost.
pub fn cheap() -> KeyCost {
    KeyCost::with_log_n(10).expect("a cost")
}
