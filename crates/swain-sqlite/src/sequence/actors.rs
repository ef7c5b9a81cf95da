//! Who wrote what was captured, as far as programs name themselves (spec S13).

use rusqlite::Connection;
use swain_core::Actor;

use crate::capture::ACTORS;
use crate::failure::Failure;

/// The names, by the record from which on they hold.
#[derive(Default)]
pub(crate) struct Actors {
    /// Two that follow each other differ; before the first one nobody is named.
    runs: Vec<(i64, Option<Actor>)>,
}

impl Actors {
    /// Reads the names among the captured records, and forgets the rows that gave them.
    pub(crate) fn take(conn: &Connection) -> Result<Self, Failure> {
        let mut actors = Self::default();
        if !conn.prepare_cached("SELECT 1 FROM swain_capture WHERE tbl = ?1")?.exists([ACTORS])? {
            return Ok(actors);
        }
        actors.read(conn)?;
        // A name that was not taken back ends here: its transaction is over.
        conn.prepare_cached("DELETE FROM swain_actor")?.execute([])?;
        Ok(actors)
    }

    fn read(&mut self, conn: &Connection) -> Result<(), Failure> {
        let mut statement = conn.prepare_cached("SELECT id, tbl, total, c0 FROM swain_capture ORDER BY id")?;
        let mut records = statement.query([])?;
        let mut last_total = 0;
        while let Some(record) = records.next()? {
            let (id, total) = (record.get(0)?, record.get::<_, Option<i64>>(2)?.unwrap_or(0));
            if record.get_ref(1)?.as_str().is_ok_and(|table| table == ACTORS) {
                // Whatever was put there; what is no text names nobody.
                let actor = record.get_ref(3)?.as_str().ok().and_then(Actor::named);
                self.begin(id, actor);
            } else if total < last_total {
                self.begin(id, None);
            }
            last_total = total;
        }
        Ok(())
    }

    fn begin(&mut self, id: i64, actor: Option<Actor>) {
        if self.runs.last().map_or(&None, |(_, last)| last) != &actor {
            self.runs.push((id, actor));
        }
    }

    /// Who wrote a record.
    pub(crate) fn of(&self, record: i64) -> Option<&Actor> {
        let behind = self.runs.partition_point(|(first, _)| *first <= record);
        self.runs.get(behind.checked_sub(1)?)?.1.as_ref()
    }

    /// Who wrote all of it, if that was one.
    pub(crate) fn only(&self) -> Option<&Actor> {
        match self.runs.as_slice() {
            [(_, Some(actor))] => Some(actor),
            _ => None,
        }
    }
}
