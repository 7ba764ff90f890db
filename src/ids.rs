//! Positions of accounts, contacts, staff, initiatives and interaction types: small copyable numbers, checked at the edges.
//!
//! Names (`account_id`, `interaction_type`, …) live in the tables; everything that computes uses
//! these positions.

/// Position of an account in a simulated cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountIndex(pub u32);

/// Position of a contact within its account, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactIndex(pub u16);

/// Position of a member of staff among those who dealt with an account, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerIndex(pub u16);

/// Position of an initiative among those an account took part in, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InitiativeIndex(pub u16);

/// Position of an interaction type in the [`TypeNames`] its log was read with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIndex(pub u16);

/// The interaction types that occur in one log, in order of first registration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeNames {
    names: Vec<String>,
    positions: std::collections::BTreeMap<String, u16>,
}

impl TypeNames {
    /// Position of `name`, registering it when it is new.
    ///
    /// # Panics
    ///
    /// When more than 65,535 distinct interaction types are registered.
    pub fn register(&mut self, name: &str) -> TypeIndex {
        if let Some(&position) = self.positions.get(name) {
            return TypeIndex(position);
        }
        let position = u16::try_from(self.names.len()).expect("at most 65,535 interaction types");
        self.names.push(name.to_owned());
        self.positions.insert(name.to_owned(), position);
        TypeIndex(position)
    }

    /// Position of `name`, if it was registered.
    pub fn get(&self, name: &str) -> Option<TypeIndex> {
        self.positions.get(name).copied().map(TypeIndex)
    }

    /// Name at `position`.
    ///
    /// # Panics
    ///
    /// When `position` was made by another `TypeNames`.
    pub fn name(&self, position: TypeIndex) -> &str {
        &self.names[usize::from(position.0)]
    }

    /// All names, in order of position.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is registered.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for TypeNames {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut all = Self::default();
        for name in names {
            all.register(name);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registering_a_known_name_gives_its_first_position() {
        let mut names = TypeNames::default();
        let call = names.register("call");
        names.register("visit");
        assert_eq!(names.register("call"), call);
        assert_eq!(names.len(), 2);
        assert_eq!(names.name(call), "call");
        assert_eq!(names.get("absent"), None);
    }
}
