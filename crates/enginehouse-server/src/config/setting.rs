//! What is known of a setting.

use super::values::Config;

/// One setting.
#[derive(Clone, Copy)]
pub struct Setting {
    /// Its key in the file; flag and variable are made of it.
    pub name: &'static str,
    /// What it is for, in sentences, with unit and range.
    pub about: &'static str,
    /// What stands for its value in help texts.
    pub placeholder: &'static str,
    /// Reads and checks a value.
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
    /// Writes the value in force; empty for none.
    pub get: fn(&Config) -> String,
}

impl Setting {
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    pub fn variable(&self) -> String {
        format!("ENGINEHOUSE_{}", self.name.to_uppercase())
    }
}
