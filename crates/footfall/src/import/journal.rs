//! The systemd journal, as the program that belongs to it tells it: its files have no other
//! stable reader.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ingest::reject::Skipped;
use ingest::{Options, Receiver};

/// The programs that tell of logons.
pub(crate) const PROGRAMS: [&str; 3] = ["sshd", "sshd-session", "systemd-logind"];
/// Of what the program says of its troubles.
const MAX_COMPLAINT_BYTES: u64 = 4096;

/// Where journalctl is.
pub(crate) fn program() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&paths).map(|path| path.join("journalctl"));
    programs.find(|program| program.is_file())
}

/// A journal that can be read.
#[derive(Debug)]
pub(super) struct Journal {
    program: PathBuf,
    /// Where its files are; without it this machine's own.
    folder: Option<PathBuf>,
}

impl Journal {
    /// The journal in a folder, or this machine's, if there is a program to read it.
    pub(super) fn find(folder: Option<&Path>) -> Option<Self> {
        Some(Self { program: program()?, folder: folder.map(Path::to_owned) })
    }

    /// What reports call it.
    pub(super) fn name(&self) -> String {
        match &self.folder {
            Some(folder) => folder.display().to_string(),
            None => "the journal".to_owned(),
        }
    }

    /// Reads it to its end, or until the receiver breaks.
    pub(super) fn read(&self, options: &Options, receiver: &mut dyn Receiver) -> ControlFlow<()> {
        match self.try_read(options, receiver) {
            Ok(flow) => flow,
            Err(error) => {
                receiver.skipped(Skipped::new(self.name(), format!("journalctl: {error}")));
                ControlFlow::Continue(())
            }
        }
    }

    fn try_read(
        &self,
        options: &Options,
        receiver: &mut dyn Receiver,
    ) -> io::Result<ControlFlow<()>> {
        let mut command = Command::new(&self.program);
        if let Some(folder) = &self.folder {
            command.arg("--directory").arg(folder);
        }
        // All fields, in the form that needs no unescaping (systemd.journal-export-format).
        command.args(["--output=export", "--no-pager", "--quiet"]).stdin(Stdio::null());
        for name in PROGRAMS {
            command.args(["-t", name]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // Read beside, lest a program with much to complain of waits for ever.
        let complaints = child.stderr.take().map(|stderr| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let mut stderr = BufReader::new(stderr);
                let _ = (&mut stderr).take(MAX_COMPLAINT_BYTES).read_to_end(&mut text);
                let _ = io::copy(&mut stderr, &mut io::sink());
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        let mut flow = ControlFlow::Continue(());
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = BufReader::new(stdout);
            // A journal without such entries is no file that cannot be read.
            if !stdout.fill_buf()?.is_empty() {
                flow = ingest::read_from(stdout, self.name(), options, receiver);
            }
        }
        finish(&mut child, flow)?;
        let complaints = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
        if let Some(line) = complaints.lines().find(|line| !line.trim().is_empty()) {
            receiver.warning(&self.name(), &format!("journalctl says: {}", line.trim()));
        }
        Ok(flow)
    }
}

/// Ends the program, which may still write when nobody reads any more.
fn finish(child: &mut Child, flow: ControlFlow<()>) -> io::Result<()> {
    if flow.is_break() {
        // It may have ended by itself.
        let _ = child.kill();
    }
    let status = child.wait()?;
    if !status.success() && flow.is_continue() {
        return Err(io::Error::other(format!("it ended with {status}")));
    }
    Ok(())
}
