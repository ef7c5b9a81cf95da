//! What a person has to decide: conflicts and refusals become rows of the inbox, and a decision is an update of such a row
//! (spec M15, M16).

use std::collections::BTreeMap;

use swain_core::inbox::{self, Choice};
use swain_core::limits::{INBOX_PARENTS_MAX, ROW_BYTES_MAX};
use swain_core::merge::{self, LastWrite};
use swain_core::{Code, Key, Millis, Name, Operation, Problem, Row, RowKey, Table, Value, Was, hash_text, referenced};
use swain_store::{StoreError, Transaction, WriteError};

use super::Case;

/// A column on which a person has to decide.
pub(super) struct Dispute<'a> {
    pub(super) table: &'a Table,
    pub(super) key: &'a Key,
    /// The row as it stays.
    pub(super) current: &'a Row,
    pub(super) column: &'a Name,
    pub(super) was: &'a Was,
    pub(super) new: &'a Value,
    /// Who wrote what is there.
    pub(super) last: Option<LastWrite>,
    pub(super) edited: Millis,
}

impl<T: Transaction> Case<'_, T> {
    /// Keeps what two people made of one column.
    pub(super) async fn ask_person(&mut self, dispute: &Dispute<'_>) -> Result<(), WriteError> {
        let Dispute { table, key, current, column, was, new, .. } = dispute;
        let Some((inbox_table, seats)) = self.catalog.inbox_of(&table.name) else {
            let error = format!("'{}' asks a person and has no inbox", table.name);
            return Err(StoreError::new(swain_store::StoreErrorKind::Internal, error).into());
        };
        if !self.touches_one_row() {
            return Err(held(table).at(column).into());
        }
        self.verdict.asks = true;
        let place = self.place(&[table.name.as_str(), &key.canonical(), column]);
        let stored = current.value(column);
        let base = match was {
            Was::Value(value) | Was::After(_, value) => value.clone(),
            Was::Hash(_) => Value::Null,
        };
        let kind = table.columns[*column].kind;
        let proposal = |was: &Was| merge::proposal(kind, was, stored, new).unwrap_or_default();
        let last = dispute.last.clone();
        let theirs = Row::default()
            .with("theirs", stored.clone())
            .with("theirs_by", text(last.as_ref().and_then(|last| last.user.as_ref()).map(|user| user.as_str())))
            .with("theirs_name", text(last.as_ref().and_then(|last| last.actor.as_ref()).map(|actor| actor.as_str())))
            .with("theirs_at", last.map_or(Value::Null, |last| time(last.at)));
        let mut row = seats.values(current);
        row.0.extend(theirs.0);
        row.set("mine", (*new).clone());
        row.set("mine_at", time(dispute.edited));
        if let Some((id, open)) = self.own_conflict(inbox_table, &place, &base).await? {
            // The person goes on with his own edit, which waits already.
            row.set("merged", proposal(&Was::Value(open.value("base").clone())));
            return self.tx.update(inbox_table, &id, &fitting(row, &open)?).await;
        }
        row.set("merged", proposal(was));
        row.set("base", base);
        row.set("kind", inbox::CONFLICT);
        row.set("row_table", table.name.as_str());
        row.set("row_key", Value::List(key.0.clone()));
        row.set("row_column", column.as_str());
        row.set("rule", table.strategy(column).as_str());
        let row = self.opened(row, place);
        self.tx.insert(inbox_table, &fitting(row, &Row::default())?).await
    }

    /// Keeps what was refused, for the person whose it is.
    pub(super) async fn keep_refusal(&mut self, problem: &Problem) -> Result<(), WriteError> {
        let named = self.mutation.operations.iter().find_map(|operation| {
            let (table, _) = self.catalog.inbox_of(&operation.row().table)?;
            Some((table, operation.row().clone()))
        });
        let decides = self.mutation.operations.iter().any(|operation| operation.row().table.as_str() == inbox::TABLE);
        let (Some((inbox_table, first)), false, Some(_)) = (named, decides, &self.auth.user) else { return Ok(()) };
        let made = self.mutation.operations.iter().find_map(|operation| match operation {
            Operation::Insert { row, .. } | Operation::Upsert { row, .. } => Some(row),
            Operation::Update { .. } | Operation::Delete { .. } => None,
        });
        let place = self.place_of(made.unwrap_or(&first));
        let ops = self.mutation.operations.iter().map(Operation::to_value).collect();
        let mut row = Row::default()
            .with("kind", inbox::REFUSAL)
            .with("row_table", first.table.as_str())
            .with("row_key", Value::List(first.key.0.clone()))
            .with("mine_at", time(self.mutation.at.min(self.submission.now)))
            .with("problem", problem_value(problem))
            .with("ops", Value::List(ops))
            .with("device", self.submission.device.as_str())
            .with("n", number(self.mutation.n.0));
        if let Some(item) = self.parent_item(inbox_table).await? {
            row.set("item", item);
        }
        let row = self.opened(row, place);
        self.tx.insert(inbox_table, &fitting(row, &Row::default())?).await
    }

    /// A decision. Whatever it does to the application's row comes before it in the same mutation, by that table's rules.
    pub(super) async fn resolve(&mut self, inbox_table: &Table, key: &Key, set: &Row) -> Result<(), WriteError> {
        let row = self.open_item(inbox_table, key).await?;
        let choice = set.value("choice").as_text().and_then(Choice::from_text);
        let kind = row.value("kind").as_text();
        let Some(choice) = choice.filter(|choice| Some(choice.kind()) == kind && set.0.len() == 1) else {
            let choices = Choice::ALL.into_iter().filter(|choice| Some(choice.kind()) == kind);
            let choices = choices.map(Choice::as_str).collect::<Vec<_>>().join(", ");
            let detail = format!("a decision sets 'choice', and nothing else, to one of {choices}");
            return Err(Problem::new(Code::CheckFailed, detail).at("set.choice").into());
        };
        let is_own = *row.value("mine_by") == self.auth.id();
        let mut decided = Row::default()
            .with("choice", choice.as_str())
            .with("state", choice.state())
            .with("resolved_by", self.auth.id())
            .with("resolved_at", time(self.submission.now));
        if kind == Some(inbox::CONFLICT) {
            let value = self.settled(&row, choice, is_own).await?;
            decided.set("resolution", value);
        }
        self.verdict.won_any = true;
        self.tx.update(inbox_table, key, &decided).await
    }

    /// The row of the inbox that a decision is about. The first who decides, decides.
    async fn open_item(&mut self, inbox_table: &Table, key: &Key) -> Result<Row, WriteError> {
        let gone = || Problem::new(Code::RowGone, "there is no such item in the inbox").at("key");
        let row = self.tx.row(inbox_table, key).await?.ok_or_else(gone)?;
        let rules = self.catalog.rules(&inbox_table.name);
        if !self.grants(&rules.read, &row).await? {
            return Err(gone().into());
        }
        if !inbox::is_open(&row) {
            return Err(Problem::new(Code::AlreadyResolved, "somebody has decided this already").at("key").into());
        }
        Ok(row)
    }

    /// Whether what a mutation decides is still open, before anything else of it is looked at.
    pub(super) async fn check_open(&mut self) -> Result<(), WriteError> {
        let Some(inbox_table) = self.schema.tables.get(inbox::TABLE) else { return Ok(()) };
        for operation in
            self.mutation.operations.iter().filter(|operation| operation.row().table.as_str() == inbox::TABLE)
        {
            if let (Operation::Update { .. }, Ok(key)) = (operation, inbox_table.normalise_key(&operation.row().key)) {
                self.open_item(inbox_table, &key).await?;
            }
        }
        Ok(())
    }

    /// What the column has now, which has to be what the decision says.
    async fn settled(&mut self, row: &Row, choice: Choice, is_own: bool) -> Result<Value, WriteError> {
        let target = row.value("row_table").as_text().and_then(|name| self.schema.tables.get(name));
        let Some(table) = target else { return Ok(Value::Null) };
        let Value::List(key) = row.value("row_key").clone() else { return Ok(Value::Null) };
        let current = self.tx.row(table, &Key(key)).await?;
        let rules = self.catalog.rules(&table.name);
        let may_write = match &current {
            Some(current) => self.grants(&rules.update, current).await?,
            // Nothing is left that anybody could write.
            None => true,
        };
        // Who made the edit may give it up, whatever he may write now.
        let gives_up = is_own && choice == Choice::Theirs;
        if !may_write && !gives_up {
            let detail = format!("the rules of '{}' do not allow this", table.name);
            return Err(Problem::new(Code::NotAllowed, detail).into());
        }
        let column = row.value("row_column").as_text().unwrap_or_default();
        let value = current.map(|current| current.value(column).clone());
        let wanted = match choice {
            Choice::Mine => Some(row.value("mine")),
            Choice::Merged => Some(row.value("merged")),
            _ => None,
        };
        match (wanted, value) {
            (Some(wanted), Some(value)) if value == *wanted => Ok(value),
            (None, value) => Ok(value.unwrap_or_default()),
            (Some(_), _) => {
                let detail = format!("'{column}' does not have the chosen value; it was written by somebody else");
                Err(Problem::new(Code::Conflict, detail).at("set.choice").into())
            }
        }
    }

    /// An open conflict of this person on this column, whose edit is what the new one was based on.
    async fn own_conflict(
        &mut self,
        inbox_table: &Table,
        place: &str,
        base: &Value,
    ) -> Result<Option<(Key, Row)>, WriteError> {
        let wanted =
            Row::default().with("seat_place", place).with("mine_by", self.auth.id()).with("state", inbox::OPEN);
        if self.auth.user.is_none() {
            return Ok(None);
        }
        let Some(id) = self.tx.find(inbox_table, &wanted).await? else { return Ok(None) };
        let row = self.tx.row(inbox_table, &id).await?;
        Ok(row.filter(|row| row.value("mine") == base).map(|row| (id, row)))
    }

    /// The item of a refused mutation that would have made a row which this one names: they are decided together.
    async fn parent_item(&mut self, inbox_table: &Table) -> Result<Option<Value>, WriteError> {
        let mut named: Vec<RowKey> = Vec::new();
        for operation in &self.mutation.operations {
            named.push(operation.row().clone());
            if let Some(table) = self.schema.tables.get(&operation.row().table) {
                named.extend(referenced(table, operation));
            }
        }
        named.dedup();
        for row in named.iter().take(INBOX_PARENTS_MAX) {
            let wanted = Row::default()
                .with("seat_place", self.place_of(row).as_str())
                .with("mine_by", self.auth.id())
                .with("state", inbox::OPEN);
            if let Some(id) = self.tx.find(inbox_table, &wanted).await? {
                return Ok(self.tx.row(inbox_table, &id).await?.map(|row| row.value("item").clone()));
            }
        }
        Ok(None)
    }

    fn opened(&self, mut row: Row, place: String) -> Row {
        let item = self.place(&["item", &self.mutation.n.to_string()]);
        row.set("id", self.place(&["id", &self.mutation.n.to_string(), &place]).as_str());
        row.0.entry("item".into()).or_insert_with(|| Value::text(item));
        row.set("seat_place", place.as_str());
        row.set("state", inbox::OPEN);
        row.set("mine_by", self.auth.id());
        row.set("opened_at", time(self.submission.now));
        row
    }

    /// A mutation of several rows is not torn: it waits whole. An upsert may be of another row than it names.
    fn touches_one_row(&self) -> bool {
        let operations = &self.mutation.operations;
        let first = operations.first().map(Operation::row);
        let is_of_first =
            |operation: &Operation| matches!(operation, Operation::Update { row, .. } if Some(row) == first);
        operations.len() == 1 || operations.iter().all(is_of_first)
    }

    fn place_of(&self, row: &RowKey) -> String {
        self.place(&[row.table.as_str(), &row.key.canonical()])
    }

    /// Tells places of one device apart from those of others, and does not tell the device.
    fn place(&self, parts: &[&str]) -> String {
        hash_text(&[&[self.submission.device.as_str()], parts].concat().join("\n"))
    }
}

/// A mutation that waits whole, for its person.
pub(super) fn held(table: &Table) -> Problem {
    let detail = format!("somebody changed the row of '{}' meanwhile; look at it and decide", table.name);
    Problem::new(Code::Conflict, detail)
}

/// The columns to write, so that the row stays within its limit: the proposal goes first, then the base.
fn fitting(mut row: Row, present: &Row) -> Result<Row, Problem> {
    for spared in ["merged", "base", ""] {
        let mut whole = present.clone();
        whole.0.extend(row.0.clone());
        if whole.canonical().len() <= ROW_BYTES_MAX {
            return Ok(row);
        }
        if !spared.is_empty() {
            row.set(spared, Value::Null);
        }
    }
    Err(Problem::new(Code::LimitRowBytes, format!("an item of the inbox is at most {ROW_BYTES_MAX} bytes")))
}

fn problem_value(problem: &Problem) -> Value {
    let said = [("code", Value::text(problem.code.as_str())), ("message", Value::text(problem.detail.as_str()))];
    let at = problem.at.as_deref().map(|at| ("at", Value::text(at)));
    let rule = problem.constraint.iter().flat_map(|constraint| constraint.members());
    let members = said.into_iter().chain(at).chain(rule).map(|(name, value)| (name.into(), value));
    Value::Object(members.collect::<BTreeMap<_, _>>())
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::text)
}

fn time(at: Millis) -> Value {
    number(at.0)
}

fn number(number: u64) -> Value {
    Value::int64(i64::try_from(number).unwrap_or(i64::MAX))
}
