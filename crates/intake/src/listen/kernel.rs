//! Datagrams that the system dropped, because nobody received them in time.
//!
//! Linux tells of each socket in `/proc/net/udp` (proc_pid_net(5)): the last column of its line.

use tokio::net::UdpSocket;

/// Follows one socket's count.
pub(super) struct KernelDrops {
    /// The number by which the table knows the socket; `None` where there is no such table.
    inode: Option<String>,
    told: u64,
}

impl KernelDrops {
    pub(super) fn of(socket: &UdpSocket) -> Self {
        Self { inode: inode(socket), told: 0 }
    }

    /// How many were dropped since this was asked last.
    pub(super) fn since_last(&mut self) -> u64 {
        let Some(inode) = &self.inode else { return 0 };
        let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
        let found = tables.into_iter().find_map(|table| {
            let text = std::fs::read_to_string(table).ok()?;
            drops(&text, inode)
        });
        let all = found.unwrap_or(self.told);
        let new = all.saturating_sub(self.told);
        self.told = all;
        new
    }
}

#[cfg(target_os = "linux")]
fn inode(socket: &UdpSocket) -> Option<String> {
    use std::os::fd::AsRawFd;
    let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
    Some(inode.to_owned())
}

#[cfg(not(target_os = "linux"))]
fn inode(_: &UdpSocket) -> Option<String> {
    None
}

/// The count of a socket in the table.
fn drops(table: &str, inode: &str) -> Option<u64> {
    const INODE: usize = 9;
    let mut lines = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let line = lines.find(|fields| fields.get(INODE) == Some(&inode))?;
    line.last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_a_socket_is_found_by_its_inode() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  511: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 23911 2 0000000000000000 7
  937: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 23912 2 0000000000000000 0
";
        assert_eq!(drops(table, "23911"), Some(7));
        assert_eq!(drops(table, "23912"), Some(0));
        assert_eq!(drops(table, "7"), None);
        assert_eq!(drops("", "7"), None);
    }
}
