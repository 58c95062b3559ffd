//! What the pages name that is not here: commands of other products, and what stands for something else.

/// Commands that cannot be run here: the page, how the command begins, and why. A command that is neither
/// here nor runs is a failure, and so is an entry that no page has.
pub(super) const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("README.md", "scripts/test", "runs this test"),
    ("docs/performance.md", "target/release/bench", "measures for minutes, in a release build"),
    ("docs/sources/windows-event-forwarding.md", "winrm", "Windows"),
    ("docs/sources/windows-event-forwarding.md", "wecutil", "Windows"),
    ("docs/sources/windows-event-forwarding.md", "wevtutil", "Windows"),
];

/// What stands for something else in the pages' commands, and what is here: the page (or all of them), the
/// text, and what is run in its place. `{yesterday}` is the date.
pub(super) const STANDS_FOR: &[(&str, &str, &str)] = &[
    // A password is asked for on a terminal, which no test has.
    (
        "",
        "operator add anna@corp.example --group \"tier 1\"",
        "operator add anna@corp.example --group \"tier 1\" --generate-password",
    ),
    // The port is one for root alone.
    ("README.md", "--listen 0.0.0.0:443", "--listen 127.0.0.1:0 --tls self-signed"),
    // At most 30 days ago, whenever the test runs.
    (
        "docs/api/users-and-machines.md",
        "timestamp=2026-11-23T09:30:00Z",
        "timestamp={yesterday}T09:30:00Z",
    ),
    // Somebody fell silent.
    ("docs/sources/live.md", "footfall status", "sleep 1.1; footfall status --silent-after 1s"),
];

/// Folders of a system, which are below the test's own.
pub(super) const ROOTED: &[&str] =
    &["/cases/", "/var/log/", "/var/lib/footfall/", "/srv/", "/mnt/", "/etc/footfall/"];

/// Commands that go on until they are ended, and what they write once they are at work.
pub(super) const LASTING: &[(&str, &str)] = &[
    ("footfall serve", "Footfall serves"),
    ("footfall demo", "Footfall serves"),
    ("cargo run --release -- demo", "Footfall serves"),
    ("footfall watch", "following"),
    ("footfall sync defender --tenant-id", "In all:"),
];
