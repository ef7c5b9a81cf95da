//! How long the log and the history of tables are kept (spec S16).

use anyhow::bail;
use swain_core::{Millis, Name};
use swain_engine::KeepConfig;
use swain_store::{Keep, Retention};

use super::Config;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Config {
    /// `[sync] retention_days` and `[tables.NAME.history] keep`.
    pub(crate) fn retention(&self) -> anyhow::Result<Retention> {
        let log = self.sync.retention_days.get();
        let mut retention = Retention { log: days(log), history: Default::default() };
        for (table, config) in &self.tables {
            let keep = match config.history.keep {
                None => continue,
                Some(KeepConfig::Forever) => Keep::Forever,
                Some(KeepConfig::Days(keep)) if keep < log => bail!(
                    "[tables.{table}.history] keep = {keep}: devices need the log for [sync] retention_days = {log}; \
                     give {log} or more, or \"forever\""
                ),
                Some(KeepConfig::Days(keep)) => Keep::For(days(keep)),
            };
            retention.history.insert(Name::from(table.as_str()), keep);
        }
        Ok(retention)
    }
}

fn days(days: u32) -> Millis {
    Millis(u64::from(days) * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retention(text: &str) -> anyhow::Result<Retention> {
        Config::read(text, "swain.toml")?.0.retention()
    }

    #[test]
    fn the_log_is_kept_for_thirty_days_and_a_tables_history_as_long_as_it_says() {
        assert_eq!(retention("").unwrap(), Retention { log: days(30), history: Default::default() });

        let text = "sync.retention_days = 7\n[tables.a.history]\nkeep = 90\n[tables.b.history]\nkeep = \"forever\"\n[tables.c]";
        let kept = retention(text).unwrap();

        assert_eq!(kept.log, days(7));
        let history = [("a".into(), Keep::For(days(90))), ("b".into(), Keep::Forever)];
        assert_eq!(kept.history, history.into());
    }

    #[test]
    fn what_cannot_be_kept_so_is_said_with_its_place() {
        let shorter = retention("[tables.a.history]\nkeep = 10").unwrap_err().to_string();
        assert!(shorter.contains("[tables.a.history] keep = 10") && shorter.contains("30"), "{shorter}");

        for (text, said) in [
            ("sync.retention_days = 0", "nonzero"),
            ("[tables.a.history]\nkeep = \"long\"", "forever"),
            ("[tables.a.history]\nkeep = -1", "forever"),
            ("[tables.a.history]\nkept = 1", "unknown field"),
        ] {
            let error = format!("{:#}", retention(text).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
