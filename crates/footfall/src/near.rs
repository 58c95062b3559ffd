//! A name that is not known: that it is not, and what the person may have meant.

use inventory::fold;
use store::NamesOf;

use crate::output::{self, Outcome};
use crate::place::Place;

/// Names that are compared at most: half a second of work.
const MAX_COMPARED: usize = 1_000_000;
/// Names that are suggested at most.
const MAX_SUGGESTED: usize = 3;
/// Nobody mistypes longer names into shorter ones.
const MAX_CHARS: usize = 64;

/// Says on stderr that a name is not known, and what may have been meant.
pub(crate) async fn unknown(place: &Place, of: NamesOf, text: &str) -> Outcome {
    eprintln!("error: there is no {} `{}`", kind(of), output::printable(text));
    let hint = suggestion(place, of, text).await.unwrap_or_else(|| listed_by(of).to_owned());
    eprintln!("hint: {hint}");
    Outcome::Nothing
}

/// What may have been meant by a name that is not known; `None` where no name is near.
pub(crate) async fn suggestion(place: &Place, of: NamesOf, text: &str) -> Option<String> {
    let text = fold(text);
    // A domain or a realm is not what is mistyped.
    let name = match of {
        NamesOf::Users => {
            let name = text.rsplit('\\').next().unwrap_or_default();
            name.split('@').next().unwrap_or_default()
        }
        NamesOf::Machines => text.as_str(),
    };
    let chars = name.chars().count();
    let most = furthest(chars)?;
    let lengths = chars - most..=chars + most;
    // It is a help alone: what goes wrong here is no failure of what was asked.
    let known = place.store.names(place.tenant.number, of, lengths, MAX_COMPARED).await.ok()?;
    let near = nearest(name, most, known);
    if near.is_empty() {
        return None;
    }
    let near: Vec<_> = near.iter().map(|name| output::printable(name)).collect();
    Some(format!("did you mean {}?", near.join(", ")))
}

fn kind(of: NamesOf) -> &'static str {
    match of {
        NamesOf::Users => "user",
        NamesOf::Machines => "machine",
    }
}

fn listed_by(of: NamesOf) -> &'static str {
    match of {
        NamesOf::Users => "footfall query users lists everybody who is known",
        NamesOf::Machines => "footfall query machines lists every machine that is known",
    }
}

/// Slips that a name of so many characters may hold; `None` where every name is near another, or none is.
fn furthest(chars: usize) -> Option<usize> {
    match chars {
        3..=5 => Some(1),
        6..=8 => Some(2),
        9..=MAX_CHARS => Some(3),
        _ => None,
    }
}

/// The nearest names, if the name itself is not among them: it is known then.
fn nearest(name: &str, most: usize, known: Vec<String>) -> Vec<String> {
    let mut near: Vec<(usize, String)> = Vec::new();
    for other in known {
        let slips = strsim::osa_distance(name, &other);
        if slips == 0 {
            return Vec::new();
        }
        if slips <= most {
            near.push((slips, other));
        }
    }
    near.sort();
    near.into_iter().take(MAX_SUGGESTED).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_few() {
        let known = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let names = ["anna.maier", "anna.meier", "ana.meyer", "hanna.meyer", "bert"];
        let near = nearest("anna.meyer", 3, known(&names));
        assert_eq!(near, ["ana.meyer", "anna.meier", "hanna.meyer"]);
        assert!(nearest("bert", 1, known(&names)).is_empty(), "it is known");
        assert_eq!(nearest("bret", 1, known(&names)), ["bert"], "two that changed places");
    }
}
