//! What happens to a session (4634, 4647, 4778, 4779, 4800, 4801), joined to its logon by machine
//! and logon id.

use inventory::logon::MachineRef;
use inventory::rule::Rule;
use inventory::session::{SessionChange, SessionEvent};
use inventory::time::Timestamp;

use super::{FieldError, MAX_NAME_BYTES, System, Values, present, session};

/// Makes a session's change of a record; `None` for one of no person's session, or that does not
/// say which. The account is asked for that alone: the logon has it.
pub(super) fn event(
    rule: &Rule,
    system: &System<'_>,
    values: &Values<'_>,
    change: SessionChange,
    time: impl FnOnce() -> Result<Timestamp, FieldError>,
) -> Result<Option<SessionEvent>, FieldError> {
    let whose = Whose::of(values, change);
    if rule.is_noise(whose.user, whose.domain, whose.sid) {
        return Ok(None);
    }
    let Some(session) = session(whose.logon_id) else { return Ok(None) };
    let computer = present(system.computer).ok_or(FieldError::Computer)?;
    if computer.len() > MAX_NAME_BYTES {
        return Err(FieldError::TooLong { field: "the machine's name" });
    }
    let machine = MachineRef::named(computer);
    Ok(Some(SessionEvent { machine, session, time: time()?, change }))
}

/// Whose session it is.
struct Whose<'a> {
    user: &'a str,
    domain: &'a str,
    sid: &'a str,
    logon_id: &'a str,
}

impl<'a> Whose<'a> {
    /// From the places of the values in the list, or from their names (telemetry.md §2.1).
    fn of(values: &Values<'a>, change: SessionChange) -> Self {
        use SessionChange::{Disconnected, Reconnected};
        let [first, second, third, fourth] = values.first;
        let has_account = matches!(change, Reconnected | Disconnected);
        if values.first.iter().any(|value| !value.is_empty()) {
            return match has_account {
                true => Self { user: first, domain: second, sid: "", logon_id: third },
                false => Self { user: second, domain: third, sid: first, logon_id: fourth },
            };
        }
        let (user, domain, sid) = match has_account && !values.account.is_empty() {
            true => (values.account, values.account_domain, ""),
            false => (values.user, values.domain, values.sid),
        };
        let logon_id = match (has_account, values.logon_id, values.account_logon_id) {
            (true, _, id) if !id.is_empty() => id,
            (_, "", id) => id,
            (_, id, _) => id,
        };
        Self { user, domain, sid, logon_id }
    }
}

#[cfg(test)]
mod tests {
    use inventory::logon::Source;

    use super::*;
    use crate::windows::EventData;

    fn read(json: &str, change: SessionChange) -> Option<SessionEvent> {
        let system =
            System { computer: "WS-1", record: "1", source: Source::Evtx, raw: json.as_bytes() };
        let mut listed = EventData::default();
        let list = json.strip_prefix('[').map(|list| list.trim_end_matches(']').split(','));
        for (index, value) in list.into_iter().flatten().enumerate() {
            if let Some(slot) = listed.insert_slot(index) {
                *slot = value.into();
            }
        }
        let named = serde_json::from_str(json).unwrap_or_default();
        let data: EventData<'_> = if json.starts_with('[') { listed } else { named };
        let time = || Ok(Timestamp::MIN);
        event(&Rule::default(), &system, &data.values(), change, time).unwrap()
    }

    #[test]
    fn the_session_is_found_under_every_name_and_in_lists() {
        use SessionChange::{Disconnected, Ended, Locked};
        for (json, change) in [
            (
                r#"{"TargetUserSid":"S-1-5-21-1-2-3-4","TargetUserName":"jdoe","TargetLogonId":"0x1f"}"#,
                Ended,
            ),
            (r#"{"AccountName":"jdoe","AccountDomain":"CORP","LogonID":"0x1F"}"#, Disconnected),
            ("[jdoe,CORP,0x1f,RDP-Tcp#1,PC,192.0.2.1]", Disconnected),
            ("[S-1-5-21-1-2-3-4,jdoe,CORP,0x1f,2]", Locked),
        ] {
            let found = read(json, change).expect(json);
            assert_eq!((found.session, found.change), (31, change), "{json}");
        }
    }

    #[test]
    fn sessions_of_no_person_are_left_out() {
        let ended = SessionChange::Ended;
        assert_eq!(read("[S-1-5-18,WS-1$,CORP,0x3e7,3]", ended), None);
        assert_eq!(read(r#"{"TargetUserName":"jdoe","TargetLogonId":"-"}"#, ended), None);
        assert_eq!(read("{}", ended), None);
    }
}
