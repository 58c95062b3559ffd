//! The names of the system query options.

/// A system query option, known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemOption {
    /// `$apply`
    Apply,
    /// `$compute`
    Compute,
    /// `$count`
    Count,
    /// `$deltatoken`
    DeltaToken,
    /// `$expand`
    Expand,
    /// `$filter`
    Filter,
    /// `$format`
    Format,
    /// `$id`
    Id,
    /// `$index`
    Index,
    /// `$levels`
    Levels,
    /// `$orderby`
    OrderBy,
    /// `$schemaversion`
    SchemaVersion,
    /// `$search`
    Search,
    /// `$select`
    Select,
    /// `$skip`
    Skip,
    /// `$skiptoken`
    SkipToken,
    /// `$top`
    Top,
}

impl SystemOption {
    /// Every option, each at the index of its number.
    pub(crate) const ALL: [SystemOption; 17] = [
        SystemOption::Apply,
        SystemOption::Compute,
        SystemOption::Count,
        SystemOption::DeltaToken,
        SystemOption::Expand,
        SystemOption::Filter,
        SystemOption::Format,
        SystemOption::Id,
        SystemOption::Index,
        SystemOption::Levels,
        SystemOption::OrderBy,
        SystemOption::SchemaVersion,
        SystemOption::Search,
        SystemOption::Select,
        SystemOption::Skip,
        SystemOption::SkipToken,
        SystemOption::Top,
    ];

    /// The name, dollar sign included.
    pub fn name(self) -> &'static str {
        match self {
            SystemOption::Apply => "$apply",
            SystemOption::Compute => "$compute",
            SystemOption::Count => "$count",
            SystemOption::DeltaToken => "$deltatoken",
            SystemOption::Expand => "$expand",
            SystemOption::Filter => "$filter",
            SystemOption::Format => "$format",
            SystemOption::Id => "$id",
            SystemOption::Index => "$index",
            SystemOption::Levels => "$levels",
            SystemOption::OrderBy => "$orderby",
            SystemOption::SchemaVersion => "$schemaversion",
            SystemOption::Search => "$search",
            SystemOption::Select => "$select",
            SystemOption::Skip => "$skip",
            SystemOption::SkipToken => "$skiptoken",
            SystemOption::Top => "$top",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.name().eq_ignore_ascii_case(name))
    }
}

/// Which options were there already.
#[derive(Default)]
pub(crate) struct Seen([bool; SystemOption::ALL.len()]);

impl Seen {
    /// Notes an option; `true` when it was there.
    pub(crate) fn note(&mut self, option: SystemOption) -> bool {
        std::mem::replace(&mut self.0[option as usize], true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_options() {
        for (index, option) in SystemOption::ALL.into_iter().enumerate() {
            assert_eq!(option as usize, index);
            assert_eq!(SystemOption::parse(&option.name().to_uppercase()), Some(option));
        }
    }
}
