//! Which versions of rows somebody may have heard of: every version carries a marker, and the log is replayed under the
//! rules that were in force (law: authorisation).

use std::collections::{BTreeMap, BTreeSet};

use swain_core::rule::{Auth, Expression, ScopeRight, resolve_in};
use swain_core::{Key, Name, Pos, Position, Row, Value};

/// The column of table t whose value marks a version.
pub const MARKER: &str = "a";

/// The column of table t that a mask may hide; its value is a marker, too.
pub const HIDDEN_MARKER: &str = "tags";

/// Rules of table t, and since when they are in force.
#[derive(Clone, Debug)]
pub struct Reign {
    /// What was there at this position is judged by them, and everything later.
    pub since: Pos,
    /// Who reads a row.
    pub read: Expression,
    /// From whom the masked columns are hidden.
    pub mask: Option<Expression>,
    /// Columns that the mask hides, [`HIDDEN_MARKER`] among them.
    pub masked: BTreeSet<Name>,
}

/// What somebody may have heard, and what he has to hold in the end.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// The markers.
    pub markers: BTreeSet<String>,
    /// The rows of t, without what is hidden from him.
    pub rows: BTreeMap<Key, Row>,
}

/// Something that somebody said of himself in a room of table t, and was there between two positions.
#[derive(Clone, Debug)]
pub struct Remark {
    /// Its marker.
    pub marker: String,
    /// Who said it.
    pub speaker: Auth,
    /// In which scope.
    pub scope: (Name, Value),
    /// On which row.
    pub row: Option<Key>,
    /// Since when, as the server saw the log.
    pub since: Pos,
    /// Until when at the latest.
    pub until: Pos,
}

/// Every marker that there ever was.
pub fn all_markers(positions: &[Position]) -> BTreeSet<String> {
    let changes = positions.iter().flat_map(|position| &position.changes).filter(|change| &*change.row.table == "t");
    let rows = changes.flat_map(|change| change.before.iter().chain(&change.after));
    rows.flat_map(|row| [marker(row, MARKER), marker(row, HIDDEN_MARKER)]).flatten().collect()
}

/// Replays the log for somebody.
pub fn allowed(positions: &[Position], reigns: &[Reign], auth: &Auth) -> Allowed {
    let mut allowed = Allowed::default();
    replay(positions, reigns, |_, tables, reign| allowed.look(tables, reign, auth));
    allowed
}

/// Whether somebody may have heard what was said: at some position of its time both were entitled to the scope, and to
/// the row, if it was said on one.
pub fn may_hear(positions: &[Position], reigns: &[Reign], listener: &Auth, remark: &Remark) -> bool {
    let mut may = false;
    replay(positions, reigns, |at, tables, reign| {
        let is_its_time = (remark.since..=remark.until).contains(&at);
        may |= is_its_time && [listener, &remark.speaker].iter().all(|auth| remark.is_for(tables, reign, auth));
    });
    may
}

type Tables = BTreeMap<Name, BTreeMap<Key, Row>>;

/// Every position with the tables as they were then, once for each rule that was in force.
fn replay(positions: &[Position], reigns: &[Reign], mut look: impl FnMut(Pos, &Tables, &Reign)) {
    let mut tables = Tables::new();
    let in_force = |at: Pos| -> Vec<&Reign> {
        let is_over = |index: usize| reigns.get(index + 1).is_some_and(|next| next.since < at);
        let these = reigns.iter().enumerate().filter(|(index, reign)| reign.since <= at && !is_over(*index));
        these.map(|(_, reign)| reign).collect()
    };
    in_force(Pos(0)).into_iter().for_each(|reign| look(Pos(0), &tables, reign));
    for position in positions {
        for change in &position.changes {
            let rows = tables.entry(change.row.table.clone()).or_default();
            match &change.after {
                Some(row) => drop(rows.insert(change.row.key.clone(), row.clone())),
                None => drop(rows.remove(&change.row.key)),
            }
        }
        in_force(position.pos).into_iter().for_each(|reign| look(position.pos, &tables, reign));
    }
}

/// The rule with everything put in that it depends on.
fn read_rule(tables: &Tables, reign: &Reign, auth: &Auth) -> Expression {
    let rows = |name: &Name| tables.get(name).into_iter().flat_map(|rows| rows.values().cloned()).collect();
    resolve_in(&reign.read.bind(auth), &rows)
}

impl Remark {
    fn is_for(&self, tables: &Tables, reign: &Reign, auth: &Auth) -> bool {
        let predicate = read_rule(tables, reign, auth);
        let holds_scope = match predicate.scope_right(Some(&self.scope)) {
            ScopeRight::Held => true,
            ScopeRight::Open => reign.read.auth_columns().is_empty(),
            ScopeRight::Refused => false,
        };
        let (column, value) = &self.scope;
        let row = |key: &Key| tables.get("t").and_then(|rows| rows.get(key));
        let may_read = |row: &Row| row.value(column) == value && predicate.grants(row);
        holds_scope && self.row.as_ref().is_none_or(|key| row(key).is_some_and(may_read))
    }
}

impl Allowed {
    fn look(&mut self, tables: &Tables, reign: &Reign, auth: &Auth) {
        let predicate = read_rule(tables, reign, auth);
        let shows = |mask: &Expression| Expression::Not(Box::new(mask.bind(auth))).grants(&Row::default());
        self.rows.clear();
        for (key, row) in tables.get("t").into_iter().flatten().filter(|(_, row)| predicate.grants(row)) {
            let seen = if reign.mask.as_ref().is_none_or(shows) { row.clone() } else { row.without(&reign.masked) };
            self.markers.extend([marker(&seen, MARKER), marker(&seen, HIDDEN_MARKER)].into_iter().flatten());
            self.rows.insert(key.clone(), seen);
        }
    }
}

fn marker(row: &Row, column: &str) -> Option<String> {
    row.value(column).as_text().map(str::to_owned)
}
