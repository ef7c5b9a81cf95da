//! Names, ids and counters, each a type of its own so that they cannot be mixed up.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;

use crate::limits::ACTOR_BYTES_MAX;

/// The name of a table or column. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<Arc<str>> for Name {
    fn from(text: Arc<str>) -> Self {
        Self(text)
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl From<&Name> for Arc<str> {
    fn from(name: &Name) -> Self {
        Arc::clone(&name.0)
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// One local store of one user.
    DeviceId
);
text_id!(
    /// A person who signed in. Application tables hold it in their own columns.
    UserId
);
text_id!(
    /// What a program that writes past Swain calls itself (spec S13).
    Actor
);
text_id!(
    /// The life of a database's history (spec S9); another one after a restore.
    Epoch
);

impl Actor {
    /// The name that a program gave; none when it is blank. One that is too long is cut, so that nobody's write fails by it.
    pub fn named(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = (0..=text.len().min(ACTOR_BYTES_MAX)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        (end > 0).then(|| Self::from(&text[..end]))
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// A place in the log (spec S1). 0 is before the first.
    Pos(u64)
);
counter!(
    /// Drawn at random for each position, so that a position that was used again is noticed.
    Tag(u32)
);
counter!(
    /// The number of a mutation within its device, from 1, without gaps.
    MutationNumber(u64)
);
counter!(
    /// Milliseconds since 1970, or a duration in milliseconds.
    Millis(u64)
);

impl Pos {
    /// The position behind this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl MutationNumber {
    /// The number behind this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Millis {
    /// This time, later by a duration.
    pub fn plus(self, duration: Millis) -> Self {
        Self(self.0.saturating_add(duration.0))
    }

    /// The duration since an earlier time; zero if it is not earlier.
    pub fn since(self, earlier: Millis) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}
