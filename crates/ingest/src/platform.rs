//! Names of operating systems as the vendor's API writes them in `osPlatform`: one word, the
//! edition left out (defender-api.md §2.1, row 9). The one table for every product's spelling.

/// The first build of Windows 11, which calls itself 10.0 like Windows 10.
const WINDOWS_11: i64 = 22_000;

/// Spellings in lower case, letters and digits alone, with the vendor's word; of osquery
/// (os-release's ids), Intune, ECS and OCSF.
const NAMES: [(&str, &str); 36] = [
    ("almalinux", "AlmaLinux"),
    ("amazon", "AmazonLinux"),
    ("amazonlinux", "AmazonLinux"),
    ("amzn", "AmazonLinux"),
    ("android", "Android"),
    ("arch", "ArchLinux"),
    ("archlinux", "ArchLinux"),
    ("centos", "CentOS"),
    ("centoslinux", "CentOS"),
    ("centosstream", "CentOS"),
    ("darwin", "macOS"),
    ("debian", "Debian"),
    ("debiangnulinux", "Debian"),
    ("fedora", "Fedora"),
    ("fedoralinux", "Fedora"),
    ("ios", "iOS"),
    ("ipados", "iPadOS"),
    ("linux", "Linux"),
    ("macmdm", "macOS"),
    ("macos", "macOS"),
    ("macosx", "macOS"),
    ("ol", "OracleLinux"),
    ("oraclelinux", "OracleLinux"),
    ("oraclelinuxserver", "OracleLinux"),
    ("osx", "macOS"),
    ("redhat", "RedHatEnterpriseLinux"),
    ("redhatenterpriselinux", "RedHatEnterpriseLinux"),
    ("redhatenterpriselinuxserver", "RedHatEnterpriseLinux"),
    ("redhatenterpriselinuxworkstation", "RedHatEnterpriseLinux"),
    ("rhel", "RedHatEnterpriseLinux"),
    ("rocky", "RockyLinux"),
    ("rockylinux", "RockyLinux"),
    ("sles", "SLES"),
    ("suselinuxenterpriseserver", "SLES"),
    ("ubuntu", "Ubuntu"),
    ("ubuntulinux", "Ubuntu"),
];

/// The vendor's word for a platform in whatever spelling, with the build beside it where that is
/// known: what calls itself just `Windows` is told by that. An unknown name is kept without its
/// blanks, as all of the vendor's are.
pub(crate) fn platform(name: &str, build: Option<i64>) -> Option<String> {
    let key: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if let Ok(at) = NAMES.binary_search_by(|(known, _)| (*known).cmp(&key)) {
        return Some(NAMES[at].1.to_owned());
    }
    if let Some(windows) = windows(name, build) {
        return Some(windows);
    }
    let word: String = name.split_whitespace().collect();
    (!word.is_empty()).then_some(word)
}

/// `Microsoft Windows Server 2012 R2 Standard`, `Windows 11 Pro`, or a bare `Windows`.
fn windows(name: &str, build: Option<i64>) -> Option<String> {
    // The vendor's own words pass as they are.
    let mut words = name.split_whitespace().skip_while(|word| {
        !word.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Windows"))
    });
    let first = words.next()?;
    if first.len() > "Windows".len() {
        return Some(first.to_owned());
    }
    let (kind, number) = match words.next() {
        Some(word) if word.eq_ignore_ascii_case("Server") => ("WindowsServer", words.next()),
        word => ("Windows", word),
    };
    let is_number = |word: &&str| word.starts_with(|char: char| char.is_ascii_digit());
    let second_release = words.next().is_some_and(|word| word.eq_ignore_ascii_case("R2"));
    let number = match (number.filter(is_number), build) {
        // Some inventories know Windows 11 as 10.
        (Some("10") | None, Some(build)) if kind == "Windows" => {
            if build >= WINDOWS_11 {
                "11"
            } else if build >= 10_000 {
                "10"
            } else {
                ""
            }
        }
        (number, _) => number.unwrap_or_default(),
    };
    Some(format!("{kind}{number}{}", if second_release { "R2" } else { "" }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn platforms_have_the_vendors_names() {
        for (name, build, expected) in [
            ("Microsoft Windows 11 Enterprise", None, "Windows11"),
            ("Microsoft Windows Server 2019 Standard", None, "WindowsServer2019"),
            ("Windows Server 2012 R2 Datacenter", None, "WindowsServer2012R2"),
            ("Microsoft Windows 10 Pro", None, "Windows10"),
            ("Windows 10 Pro", Some(22_631), "Windows11"),
            ("Windows", Some(22_631), "Windows11"),
            ("Windows", Some(19_045), "Windows10"),
            ("windows", None, "Windows"),
            ("Windows 7 Professional", Some(7_601), "Windows7"),
            ("WindowsServer2022", Some(20_348), "WindowsServer2022"),
            ("Windows10WVD", Some(19_045), "Windows10WVD"),
            ("macOS", None, "macOS"),
            ("Mac OS X", None, "macOS"),
            ("darwin", None, "macOS"),
            ("Debian GNU/Linux", None, "Debian"),
            ("Red Hat Enterprise Linux", None, "RedHatEnterpriseLinux"),
            ("Red Hat Enterprise Linux Server", None, "RedHatEnterpriseLinux"),
            ("Rocky Linux", None, "RockyLinux"),
            ("Ubuntu", None, "Ubuntu"),
            ("Void Linux", None, "VoidLinux"),
        ] {
            assert_eq!(platform(name, build).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(platform(" ", None), None);
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(NAMES.is_sorted_by(|one, next| one.0 < next.0));
    }

    proptest! {
        #[test]
        fn what_is_the_vendors_stays_so(name in "(?i)(microsoft )?windows( server)?( [0-9]{1,4})?( r2)?|\\PC{0,40}") {
            if let Some(word) = platform(&name, None) {
                prop_assert_eq!(platform(&word, None), Some(word));
            }
        }
    }
}
