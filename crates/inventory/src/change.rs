//! What people and apps may change about a machine (defender-api.md §4, §12): its tags, its value, and
//! whether it is excluded. Facts come from telemetry alone.

use uuid::Uuid;

use crate::fold;
use crate::machine::{DeviceValue, ExclusionReason, Machine};
use crate::time::Timestamp;

/// Tags of a machine at most.
pub const MAX_TAGS: usize = 100;
/// Characters of a tag at most.
pub const MAX_TAG_CHARS: usize = 200;

/// A change of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineChange {
    /// Adds a tag, unless it is there in any case. Beyond [`MAX_TAGS`] nothing is added.
    AddTag(String),
    /// Removes a tag, in whatever case it is there.
    RemoveTag(String),
    /// Replaces all tags.
    SetTags(Vec<String>),
    /// Says how much the machine is worth.
    SetValue(DeviceValue),
    /// Excludes the machine, or with `None` takes it in again.
    SetExclusion(Option<ExclusionReason>),
}

/// Who changes a machine, and when; kept with the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// When.
    pub time: Timestamp,
    /// The app, where one asked for it.
    pub app: Option<Uuid>,
    /// The person, by name or id, where there is one.
    pub person: Option<String>,
}

impl MachineChange {
    /// Makes the change.
    pub fn apply(&self, machine: &mut Machine) {
        let is = |tag: &String, other: &String| fold(tag) == fold(other);
        match self {
            Self::AddTag(tag) => {
                let is_there = machine.tags.iter().any(|known| is(known, tag));
                if !is_there && machine.tags.len() < MAX_TAGS {
                    machine.tags.push(tag.clone());
                }
            }
            Self::RemoveTag(tag) => machine.tags.retain(|known| !is(known, tag)),
            Self::SetTags(tags) => machine.tags.clone_from(tags),
            Self::SetValue(value) => machine.device_value = *value,
            Self::SetExclusion(reason) => machine.exclusion = *reason,
        }
    }
}
