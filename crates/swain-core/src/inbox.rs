//! The inbox: conflicts that a person decides, and refusals, as rows of a table that Swain keeps beside the application's
//! (spec M15, M16). They are read, logged and synced like any others.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use crate::ids::Name;
use crate::schema::{Column, ColumnType, Table};
use crate::value::Value;

/// The table.
pub const TABLE: &str = "swain_inbox";

/// `kind` of a column on which two people do not agree.
pub const CONFLICT: &str = "conflict";
/// `kind` of a mutation that was refused.
pub const REFUSAL: &str = "refusal";

/// `state` of what waits for a person.
pub const OPEN: &str = "open";
/// `state` of what a person has decided.
pub const RESOLVED: &str = "resolved";
/// `state` of what a person has given up.
pub const DISCARDED: &str = "discarded";

/// Columns of a table's rules that an inbox row carries, of each type.
pub const SEATS_MAX: usize = 4;

/// The columns, but for those of [`seat`]s.
const COLUMNS: [(&str, ColumnType, bool); 27] = [
    ("id", ColumnType::Text, false),
    ("item", ColumnType::Text, false),
    ("kind", ColumnType::Text, false),
    ("state", ColumnType::Text, false),
    ("choice", ColumnType::Text, true),
    ("row_table", ColumnType::Text, true),
    ("row_key", ColumnType::Json, true),
    ("row_column", ColumnType::Text, true),
    ("seat_place", ColumnType::Text, true),
    ("rule", ColumnType::Text, true),
    ("base", ColumnType::Json, true),
    ("mine", ColumnType::Json, true),
    ("theirs", ColumnType::Json, true),
    ("merged", ColumnType::Json, true),
    ("mine_by", ColumnType::Text, true),
    ("mine_at", ColumnType::Int64, true),
    ("theirs_by", ColumnType::Text, true),
    ("theirs_name", ColumnType::Text, true),
    ("theirs_at", ColumnType::Int64, true),
    ("problem", ColumnType::Json, true),
    ("ops", ColumnType::Json, true),
    ("device", ColumnType::Text, true),
    ("n", ColumnType::Int64, true),
    ("opened_at", ColumnType::Int64, false),
    ("resolved_by", ColumnType::Text, true),
    ("resolved_at", ColumnType::Int64, true),
    ("resolution", ColumnType::Json, true),
];

/// What a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Of a conflict: the value that waits.
    Mine,
    /// Of a conflict: what the row has.
    Theirs,
    /// Of a conflict: the proposal.
    Merged,
    /// Of a conflict: a value that the person wrote.
    Edited,
    /// Of a refusal: it was made again.
    Retried,
    /// Of a refusal: it was given up.
    Discarded,
}

impl Choice {
    /// Every choice.
    pub const ALL: [Self; 6] = [Self::Mine, Self::Theirs, Self::Merged, Self::Edited, Self::Retried, Self::Discarded];

    /// As the row has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Theirs => "theirs",
            Self::Merged => "merged",
            Self::Edited => "edited",
            Self::Retried => "retried",
            Self::Discarded => "discarded",
        }
    }

    /// The choice of this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == text)
    }

    /// The `kind` of row that it is made for.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Mine | Self::Theirs | Self::Merged | Self::Edited => CONFLICT,
            Self::Retried | Self::Discarded => REFUSAL,
        }
    }

    /// The row's `state` from then on.
    pub fn state(self) -> &'static str {
        match self {
            Self::Discarded => DISCARDED,
            _ => RESOLVED,
        }
    }
}

/// The column of the inbox that carries the value of a column of this type, the `place`-th of its type, for who may see
/// the row; none when there is no such column.
pub fn seat(kind: ColumnType, place: usize) -> Option<Name> {
    let prefix = match kind {
        ColumnType::Text => "seat_text",
        ColumnType::Int64 => "seat_int",
        ColumnType::Bool => "seat_bool",
        _ => return None,
    };
    (place < SEATS_MAX).then(|| format!("{prefix}_{place}").into())
}

/// All seats.
pub fn seats() -> impl Iterator<Item = (Name, ColumnType)> {
    let kinds = [ColumnType::Text, ColumnType::Int64, ColumnType::Bool];
    kinds.into_iter().flat_map(|kind| (0..SEATS_MAX).filter_map(move |place| Some((seat(kind, place)?, kind))))
}

/// The table as every store makes it.
pub fn table() -> Table {
    let column = |kind, nullable| Column { kind, nullable, has_default: nullable, generated: false };
    let named = COLUMNS.into_iter().map(|(name, kind, nullable)| (Name::from(name), column(kind, nullable)));
    let columns: BTreeMap<Name, Column> = named.chain(seats().map(|(name, kind)| (name, column(kind, true)))).collect();
    Table::new(TABLE.into(), columns, Vec::from([Name::from("id")]))
}

/// Columns by which rows are looked up.
pub const INDEXED: &str = "seat_place";

/// True for a row that nobody has decided.
pub fn is_open(row: &crate::row::Row) -> bool {
    row.value("state").as_text() == Some(OPEN) && *row.value("choice") == Value::Null
}
