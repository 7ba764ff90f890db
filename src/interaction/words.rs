//! Fixed words of columns: what a cell may hold, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that is not one of the fixed values of a column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not one of {expected}")]
pub struct UnknownWord {
    /// What was written.
    pub value: String,
    /// The words that are understood.
    pub expected: &'static str,
}

macro_rules! words {
    ($(
        $(#[$about:meta])*
        $type:ident in $order:literal {
            $(#[$first_about:meta])* $first:ident $first_name:literal,
            $($(#[$word_about:meta])* $word:ident $name:literal,)+
        }
    )+) => {$(
        $(#[$about])*
        #[derive(
            Debug,
            Clone,
            Copy,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Serialize,
            Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $type {
            $(#[$first_about])*
            $first,
            $($(#[$word_about])* $word,)+
        }

        impl $type {
            #[doc = concat!("All of them, ", $order, ".")]
            pub const ALL: [Self; [$first_name, $($name),+].len()] =
                [Self::$first, $(Self::$word),+];

            /// Name as written in tables.
            pub const fn name(self) -> &'static str {
                match self {
                    Self::$first => $first_name,
                    $(Self::$word => $name,)+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                const EXPECTED: &str = concat!("`", $first_name, "`" $(, ", `", $name, "`")+);
                Self::ALL
                    .into_iter()
                    .find(|word| word.name() == text)
                    .ok_or_else(|| UnknownWord { value: text.to_owned(), expected: EXPECTED })
            }
        }
    )+};
}

words! {
    /// What a critical interaction fails in: Harmeling, Palmatier, Houston, Arnold and Samaha (2015),
    /// *Journal of Marketing* 79(5), find that strong relationships soften the first and sharpen the
    /// second.
    Failure in "in no order" {
        /// What was sold does not do what it should.
        Product "product",
        /// The firm breaks its word or treats the customer badly.
        Relational "relational",
    }
    /// The three phases of a relationship.
    Stage in "in the order of a relationship" {
        /// Before there is an opportunity.
        Acquisition "acquisition",
        /// From opportunity to signed contract.
        Closing "closing",
        /// From signed contract on.
        Retention "retention",
    }

    /// Who moved first.
    Direction in "inbound first" {
        /// From the customer to the firm.
        Inbound "inbound",
        /// From the firm to the customer.
        Outbound "outbound",
    }

    /// Where an account stands in one period.
    #[derive(Default)]
    Status in "in the order of a relationship" {
        /// Known, but not buying yet.
        Prospect "prospect",
        /// A customer.
        #[default]
        Customer "customer",
        /// Was a customer.
        Exited "exited",
    }

    /// The hidden state of a simulated relationship, after Zhang, Watson, Palmatier and Dant (2016).
    #[derive(Default)]
    RelationshipState in "worst first" {
        /// Trust was broken.
        Damaged "damaged",
        /// Business is done deal by deal.
        #[default]
        Transactional "transactional",
        /// Trust is growing.
        Transitional "transitional",
        /// Both sides act for the good of both.
        Communal "communal",
    }

    /// One way in which value changes hands without money.
    LedgerComponent in "as the sources list them" {
        /// Someone spoke well of the other side.
        WordOfMouth "word_of_mouth",
        /// A possible customer was sent.
        CustomerReferral "customer_referral",
        /// A possible employee was sent.
        EmployeeReferral "employee_referral",
        /// Someone stood as a reference.
        Reference "reference",
        /// People were brought together.
        NetworkIntroduction "network_introduction",
        /// Knowledge was shared.
        Knowledge "knowledge",
    }

    /// Who gave a non-monetary value.
    ValueDirection in "received first" {
        /// From the customer to the firm.
        Received "received",
        /// From the firm to the customer.
        Given "given",
    }

    /// One of the three aspects of what a firm is worth to its customer.
    ValueAspect in "as the sources list them" {
        /// Reputation and promise.
        Brand "brand",
        /// Delivery and use.
        Product "product",
        /// Dealing with the firm.
        Experience "experience",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_by_its_name() {
        for state in RelationshipState::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        for component in LedgerComponent::ALL {
            assert_eq!(component.to_string().parse(), Ok(component));
        }
        for aspect in ValueAspect::ALL {
            assert_eq!(serde_json::to_string(&aspect).unwrap(), format!("\"{aspect}\""));
        }
    }

    #[test]
    fn another_word_names_those_that_are_understood() {
        let error = "taken".parse::<ValueDirection>().unwrap_err();
        insta::assert_snapshot!(error, @"`taken` is not one of `received`, `given`");
    }
}
