//! Paths as clients write them, brought to the form in which the router knows them.
//!
//! Literal segments match in any case, one slash at the end is overlooked, and `/api/v1.0/...` is
//! `/api/...` (defender-api.md §11.2, §12, §13.11). Segments that hold an id are passed through
//! byte for byte, so that `DOMAIN%5Cuser`, a raw backslash or a `+` reach the handler unharmed. The
//! `$` of a literal may be written `%24`, as many clients do. A function that is called in a path,
//! `findbyip(ip='10.0.0.1',...)`, becomes two segments: its name and its arguments. Clients that are
//! made from `$metadata` write keys in parentheses and operations by their full names, which is the
//! module `spelling`.
//! This happens before routing, which a layer of the router could not do.

mod spelling;

use std::borrow::Cow;

/// Segments of a path at most; longer paths are no route of ours.
const MAX_SEGMENTS: usize = 8;
/// The only version of the API, which may be left out.
const VERSION: &str = "v1.0";

/// First segments that name no tenant, so that a wrong path of the API stays one.
const RESERVED: &[&str] = &["api", "admin", "assets", "osquery"];

/// The routes' paths, `{...}` standing for an id.
pub(crate) struct Templates(Vec<Template>);

struct Template {
    text: &'static str,
    segments: Vec<&'static str>,
}

/// A piece of a path as the client wrote it.
#[derive(Clone, Copy)]
struct Segment<'p> {
    text: &'p str,
    /// It was a key in parentheses, and so is an id whatever it says.
    is_key: bool,
}

impl Templates {
    pub(crate) fn new(paths: impl IntoIterator<Item = &'static str>) -> Self {
        let segments = |text: &'static str| text.split('/').skip(1).filter(|it| !it.is_empty());
        let template = |text| Template { text, segments: segments(text).collect() };
        Self(paths.into_iter().map(template).collect())
    }

    /// The first route that a path means, and the path in the router's form.
    pub(crate) fn find<'p>(&self, path: &'p str) -> Option<(&'static str, Cow<'p, str>)> {
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let mut buffer = [Segment { text: "", is_key: false }; MAX_SEGMENTS];
        let mut count = 0;
        let mut as_written = trimmed.len() == path.len();
        for (index, text) in trimmed.split('/').skip(1).enumerate() {
            let in_api = index > 0 && is("api", buffer[0].text);
            if in_api && index == 1 && is(VERSION, text) {
                as_written = false;
                continue;
            }
            // Only sets have keys, and sets come first.
            let keyed = if in_api && count == 1 { spelling::key(text) } else { None };
            let (text, key) = keyed.map_or((text, None), |(set, key)| (set, Some(key)));
            as_written &= key.is_none();
            let name = Some(Segment { text, is_key: false });
            let key = key.map(|text| Segment { text, is_key: true });
            for segment in [name, key].into_iter().flatten() {
                *buffer.get_mut(count)? = segment;
                count += 1;
            }
        }
        let segments = &buffer[..count];
        let template = self.0.iter().find(|template| template.matches(segments))?;
        as_written &=
            template.literals(segments).all(|(_, literal, segment)| literal == segment.text);
        if as_written && template.function().is_none() {
            return Some((template.text, Cow::Borrowed(path)));
        }
        let mut rewritten = String::with_capacity(trimmed.len());
        if segments.is_empty() {
            return Some((template.text, Cow::Borrowed("/")));
        }
        for (known, segment) in template.segments.iter().zip(segments) {
            rewritten.push('/');
            if let Some((name, arguments)) = called(known, segment.text) {
                rewritten.push_str(name);
                rewritten.push('/');
                rewritten.push_str(arguments);
                continue;
            }
            match segment {
                Segment { text, is_key: true } => spelling::push_key(&mut rewritten, text),
                Segment { text, .. } => rewritten.push_str(if is_id(known) { text } else { known }),
            }
        }
        Some((template.text, Cow::Owned(rewritten)))
    }
}

impl Template {
    fn matches(&self, segments: &[Segment]) -> bool {
        let is_reserved = |word: &Segment| RESERVED.iter().any(|reserved| is(reserved, word.text));
        let begins_with_id = self.segments.first().is_some_and(|first| is_id(first));
        self.segments.len() == segments.len()
            && !(begins_with_id && segments.first().is_some_and(is_reserved))
            && segments.iter().all(|segment| !segment.text.is_empty())
            && self.literals(segments).all(|(position, literal, segment)| {
                // Operations are bound to a set or to one of it.
                let is_bound = self.segments[0] == "api" && position > 1;
                !segment.is_key
                    && (is(literal, segment.text)
                        || is_bound && is(literal, spelling::operation(segment.text))
                        || called(literal, segment.text).is_some())
            })
    }

    /// The segment that is a function with arguments.
    fn function(&self) -> Option<&'static str> {
        self.segments.iter().find(|segment| segment.contains('(')).copied()
    }

    fn literals<'s>(
        &'s self,
        segments: &'s [Segment<'s>],
    ) -> impl Iterator<Item = (usize, &'static str, Segment<'s>)> {
        let pairs = self.segments.iter().zip(segments).enumerate();
        pairs
            .filter(|(_, (known, _))| !is_id(known))
            .map(|(position, (known, segment))| (position, *known, *segment))
    }
}

fn is(literal: &str, segment: &str) -> bool {
    match (literal.strip_prefix('$'), segment.strip_prefix("%24")) {
        (Some(literal), Some(segment)) => literal.eq_ignore_ascii_case(segment),
        _ => literal.eq_ignore_ascii_case(segment),
    }
}

/// The path under which the router knows a route: a function's arguments are a segment of their own.
pub(crate) fn router_form(path: &'static str) -> Cow<'static, str> {
    match path.split_once('(') {
        None => Cow::Borrowed(path),
        Some((function, _)) => Cow::Owned(format!("{function}/{{arguments}}")),
    }
}

/// The name of a function that a segment calls, as the route has it, and the arguments in their
/// parentheses, as they were written.
fn called<'s>(known: &'static str, segment: &'s str) -> Option<(&'static str, &'s str)> {
    let (name, _) = known.split_once('(')?;
    let (called, arguments) = spelling::unqualified(segment).split_at_checked(name.len())?;
    let is_list = arguments.starts_with('(') || arguments.starts_with("%28");
    (is_list && called.eq_ignore_ascii_case(name)).then_some((name, arguments))
}

fn is_id(segment: &str) -> bool {
    segment.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(path: &str) -> Option<String> {
        let templates = Templates::new([
            "/api/users/{id}/machines",
            "/api",
            "/api/$metadata",
            "/api/deviceGroups/{id}",
            "/api/machines",
            "/api/machines/$count",
            "/api/machines/unTaggedMachines",
            "/api/machines/findbyip(ip='{ip}',timestamp={timestamp})",
            "/api/machines/{id}",
            "/api/machines/{id}/tags",
            "/{tenant}/oauth2/v2.0/token",
            "/{tenant}/account",
        ]);
        templates.find(path).map(|(_, path)| path.into_owned())
    }

    #[test]
    fn literals_match_in_any_case_and_ids_stay_as_they_are() {
        for (path, expected) in [
            ("/api/users/User1/machines", "/api/users/User1/machines"),
            ("/API/V1.0/Users/DOMAIN\\User/Machines/", "/api/users/DOMAIN\\User/machines"),
            ("/api/v1.0/users/v1.0/machines", "/api/users/v1.0/machines"),
            ("/api/users/DOMAIN%5CUser+1/machines", "/api/users/DOMAIN%5CUser+1/machines"),
            ("/api/Machines/", "/api/machines"),
            ("/api/v1.0/machines", "/api/machines"),
            ("/api/machines/FindByIp(ip='1.2.3.4')", "/api/machines/findbyip/(ip='1.2.3.4')"),
            ("/api/machines/findbyip%28ip=1)/", "/api/machines/findbyip/%28ip=1)"),
            ("/api/machines/findbyip()", "/api/machines/findbyip/()"),
            ("/api/machines/findbyip", "/api/machines/findbyip"),
            ("/api/machines/findbyi(p)", "/api/machines/findbyi(p)"),
            ("/api/devicegroups/3", "/api/deviceGroups/3"),
            ("/api/v1.0/DeviceGroups/3/", "/api/deviceGroups/3"),
            ("/api", "/api"),
            ("/Api/", "/api"),
            ("/api/v1.0", "/api"),
            ("/api/V1.0/", "/api"),
            ("/api/$metadata", "/api/$metadata"),
            ("/api/v1.0/%24Metadata/", "/api/$metadata"),
            ("/api/machines/%24metadata", "/api/machines/%24metadata"),
            ("/Contoso.com/OAuth2/V2.0/Token", "/Contoso.com/oauth2/v2.0/token"),
        ] {
            assert_eq!(find(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn keys_and_operations_are_read_as_odata_spells_them() {
        const NAMESPACE: &str = "microsoft.windowsDefenderATP.api";
        for (path, expected) in [
            ("/api/Machines('ab12')", "/api/machines/%61b12"),
            ("/api/v1.0/machines(%27ab12%27)/", "/api/machines/%61b12"),
            ("/api/Machines(id='ab12')", "/api/machines/%61b12"),
            ("/api/Machines%28id%3D%27ab12%27%29/Tags", "/api/machines/%61b12/tags"),
            ("/api/Users('corp%5Cjdoe')/machines", "/api/users/%63orp%5Cjdoe/machines"),
            ("/api/Users('corp\\o''neil')/machines", "/api/users/%63orp\\o'neil/machines"),
            ("/api/Users('o%27%27neil')/machines", "/api/users/%6F'neil/machines"),
            ("/api/Users('%C3%A9mile')/machines", "/api/users/%C3%A9mile/machines"),
            ("/api/DeviceGroups(3)", "/api/deviceGroups/%33"),
            // What is a key is never the name of a route.
            ("/api/Machines('$count')", "/api/machines/%24count"),
            ("/api/Machines('%24count')", "/api/machines/%24count"),
            ("/api/Machines('unTaggedMachines')", "/api/machines/%75nTaggedMachines"),
            ("/api/Machines/NAMESPACE.UnTaggedMachines()", "/api/machines/unTaggedMachines"),
            ("/api/Machines/NAMESPACE.unTaggedMachines", "/api/machines/unTaggedMachines"),
            ("/api/Machines/UnTaggedMachines%28%29", "/api/machines/unTaggedMachines"),
            ("/api/Machines/NAMESPACE.FindByIp(ip='::1')", "/api/machines/findbyip/(ip='::1')"),
            ("/api/Machines('ab12')/NAMESPACE.Tags", "/api/machines/%61b12/tags"),
            // Ids that only look like it.
            ("/api/machines/ws-1()", "/api/machines/ws-1()"),
            ("/api/users/users('x')/machines", "/api/users/users('x')/machines"),
            ("/api/machines/NAMESPACE.tags", "/api/machines/NAMESPACE.tags"),
        ] {
            let [path, expected] =
                [path, expected].map(|text| text.replace("NAMESPACE", NAMESPACE));
            assert_eq!(find(&path), Some(expected), "{path}");
        }
    }

    #[test]
    fn what_is_no_route_is_not_found() {
        for path in [
            "",
            "/",
            "*",
            "//",
            "/api//",
            "/api/v1.1",
            "/api/v1.1/machines",
            "/api/machine",
            "/api/metadata",
            "/api/%2524metadata",
            "/api/users//machines",
            "/api/machines//",
            "/v1.0/api/machines",
            "/api/account",
            "/Admin/account",
            "/a/b/c/d/e/f/g/h/i/j",
            "/api/Machines('')",
            "/api/Machines()",
            "/api/Machines(ab12)",
            "/api/Machines('ab12",
            "/api/Machines('a'b')",
            "/api/Machine('ab12')",
            "/api/$metadata('x')",
            "/api/Machines('ab12')('ab12')",
            "/api/microsoft.windowsDefenderATP.api.machines",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }
}
