//! Keys and operations as OData's conventions spell them (OData URL Conventions §4.3.1, §4.5): clients
//! that are made from `$metadata` ask for `Machines('id')` and for
//! `Machines/microsoft.windowsDefenderATP.api.UnTaggedMachines()`. Marks may be percent-encoded.

use std::fmt::Write;

/// The namespace of `$metadata`, with the dot that ends it.
const NAMESPACE: &str = "microsoft.windowsDefenderATP.api.";
/// The one key of every type.
const KEY: &str = "id";

/// The set and the key of `set(key)`: a number, or text in quotes, which is left as it is written.
pub(super) fn key(segment: &str) -> Option<(&str, &str)> {
    let inner = strip_end(segment, ")", "%29")?;
    let open = [inner.find('('), inner.find("%28")].into_iter().flatten().min()?;
    let (set, inner) = (&inner[..open], strip_start(&inner[open..], "(", "%28")?);
    let named = inner.strip_prefix(KEY).and_then(|rest| strip_start(rest, "=", "%3D"));
    let value = named.unwrap_or(inner);
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((set, value));
    }
    let text = strip_end(strip_start(value, "'", "%27")?, "'", "%27")?;
    // A quote inside is written twice, so that the key ends where it seems to.
    let quotes = text.replace("%27", "'");
    (!quotes.replace("''", "").contains('\'')).then_some((set, text))
}

/// Writes a key as the id that the router knows. Its first letter is encoded, so that no key is the
/// name of a route.
pub(super) fn push_key(path: &mut String, key: &str) {
    let key = key.replace("%27", "'").replace("''", "'");
    match key.bytes().next() {
        Some(first) if first.is_ascii() && first != b'%' => {
            write!(path, "%{first:02X}{}", &key[1..]).expect("a string takes all that is written");
        }
        _ => path.push_str(&key),
    }
}

/// The name of an operation without its namespace and the parentheses of a function that takes
/// nothing; whatever else is left as it is.
pub(super) fn operation(segment: &str) -> &str {
    unqualified(strip_end(segment, "()", "%28%29").unwrap_or(segment))
}

/// A name, or a call, without the namespace.
pub(super) fn unqualified(name: &str) -> &str {
    match name.split_at_checked(NAMESPACE.len()) {
        Some((namespace, name)) if namespace.eq_ignore_ascii_case(NAMESPACE) => name,
        _ => name,
    }
}

fn strip_start<'t>(text: &'t str, mark: &str, encoded: &str) -> Option<&'t str> {
    text.strip_prefix(mark).or_else(|| text.strip_prefix(encoded))
}

fn strip_end<'t>(text: &'t str, mark: &str, encoded: &str) -> Option<&'t str> {
    text.strip_suffix(mark).or_else(|| text.strip_suffix(encoded))
}
