//! Values of the domain as columns hold them.

use inventory::ids::MachineId;
use inventory::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Failure;

pub(super) fn timestamp(ticks: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_ticks(ticks)
        .ok_or_else(|| Failure::Damaged(format!("{ticks} is no point in time")))
}

pub(super) fn machine_id(bytes: &[u8]) -> Result<MachineId, Failure> {
    bytes
        .try_into()
        .map(MachineId)
        .map_err(|_| Failure::Damaged("a machine id is not of 20 bytes".to_owned()))
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Damaged(error.to_string()))
}

pub(super) fn from_json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Damaged(format!("bad JSON: {error}")))
}
