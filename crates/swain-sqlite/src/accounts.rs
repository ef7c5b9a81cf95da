//! Accounts and their refresh tokens (spec P17, P18).

use rusqlite::{Connection, OptionalExtension as _, params};
use swain_core::{Millis, UserId};
use swain_store::{Accounts, Person, RefreshToken, Rotation, StoreError};

use crate::failure::Failure;
use crate::integer::{limit, signed, unsigned};
use crate::store::SqliteStore;

/// The columns of a [`Person`], in its order. Accounts from before there were verified addresses have null there.
const PERSON: &str = "id, email, name, role, password_hash, coalesce(verified, 0)";

/// The columns of a [`RefreshToken`], in its order. Older sign-ins have null for the last two.
const TOKEN: &str = "hash, family, user, expires, coalesce(begun, 0), coalesce(agent, '')";

impl Accounts for SqliteStore {
    async fn add_person(&self, person: Person) -> Result<bool, StoreError> {
        self.write(move |writer| writer.transaction(|db| add_person(&db.conn, &person))).await
    }

    async fn person_by_email(&self, email: String) -> Result<Option<Person>, StoreError> {
        self.read_connection(move |conn| read_person(conn, "email", &email)).await
    }

    async fn person(&self, id: UserId) -> Result<Option<Person>, StoreError> {
        self.read_connection(move |conn| read_person(conn, "id", id.as_str())).await
    }

    async fn add_refresh(&self, token: RefreshToken) -> Result<(), StoreError> {
        self.write(move |writer| writer.transaction(|db| add_refresh(&db.conn, &token))).await
    }

    async fn rotate_refresh(
        &self,
        hash: String,
        successor: String,
        expires: Millis,
        now: Millis,
        grace: Millis,
    ) -> Result<Rotation, StoreError> {
        self.write(move |writer| {
            writer.transaction(|db| {
                forget_ended(&db.conn, now)?;
                rotate(&db.conn, &hash, successor, expires, now, grace)
            })
        })
        .await
    }

    async fn revoke_refresh(&self, hash: String) -> Result<(), StoreError> {
        let sql = "DELETE FROM swain_refresh WHERE family = (SELECT family FROM swain_refresh WHERE hash = ?1)";
        self.write(move |writer| writer.transaction(|db| Ok(db.conn.execute(sql, [&hash]).map(drop)?))).await
    }

    async fn persons(&self, after: Option<String>, max: usize) -> Result<Vec<Person>, StoreError> {
        self.read_connection(move |conn| list_persons(conn, after.as_deref(), max)).await
    }

    async fn change_person(&self, was: Person, person: Person) -> Result<bool, StoreError> {
        self.write(move |writer| writer.transaction(|db| change_person(&db.conn, &was, &person))).await
    }

    async fn remove_person(&self, id: UserId) -> Result<bool, StoreError> {
        self.write(move |writer| {
            writer.transaction(|db| {
                db.conn.execute("DELETE FROM swain_refresh WHERE user = ?1", [id.as_str()])?;
                Ok(db.conn.execute("DELETE FROM swain_persons WHERE id = ?1", [id.as_str()])? > 0)
            })
        })
        .await
    }

    async fn sign_ins(&self, user: UserId, now: Millis) -> Result<Vec<RefreshToken>, StoreError> {
        self.read_connection(move |conn| list_sign_ins(conn, &user, now)).await
    }

    async fn revoke_sign_in(&self, user: UserId, family: String) -> Result<bool, StoreError> {
        let sql = "DELETE FROM swain_refresh WHERE user = ?1 AND family = ?2";
        self.write(move |writer| writer.transaction(|db| Ok(db.conn.execute(sql, [user.as_str(), &family])? > 0))).await
    }

    async fn revoke_person(&self, id: UserId) -> Result<u64, StoreError> {
        let count = "SELECT count(DISTINCT family) FROM swain_refresh WHERE user = ?1";
        self.write(move |writer| {
            writer.transaction(|db| {
                let families: i64 = db.conn.query_row(count, [id.as_str()], |row| row.get(0))?;
                db.conn.execute("DELETE FROM swain_refresh WHERE user = ?1", [id.as_str()])?;
                Ok(unsigned(families))
            })
        })
        .await
    }
}

fn add_person(conn: &Connection, person: &Person) -> Result<bool, Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO swain_persons (id, email, name, role, password_hash, verified) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (email) DO NOTHING",
    )?;
    let Person { id, email, name, role, password_hash, verified } = person;
    Ok(statement.execute(params![id.as_str(), email, name, role, password_hash, verified])? > 0)
}

fn change_person(conn: &Connection, was: &Person, person: &Person) -> Result<bool, Failure> {
    if read_person(conn, "id", was.id.as_str())?.as_ref() != Some(was) {
        return Ok(false);
    }
    let sql = "UPDATE swain_persons SET name = ?2, role = ?3, password_hash = ?4, verified = ?5 WHERE id = ?1";
    let Person { name, role, password_hash, verified, .. } = person;
    Ok(conn.execute(sql, params![was.id.as_str(), name, role, password_hash, verified])? > 0)
}

fn read_person(conn: &Connection, column: &str, value: &str) -> Result<Option<Person>, Failure> {
    let sql = format!("SELECT {PERSON} FROM swain_persons WHERE {column} = ?1");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row([value], person_of).optional()?)
}

fn list_persons(conn: &Connection, after: Option<&str>, max: usize) -> Result<Vec<Person>, Failure> {
    let sql = format!("SELECT {PERSON} FROM swain_persons WHERE ?1 IS NULL OR email > ?1 ORDER BY email LIMIT ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let persons = statement.query_map(params![after, limit(max)], person_of)?;
    Ok(persons.collect::<Result<_, _>>()?)
}

fn person_of(row: &rusqlite::Row<'_>) -> Result<Person, rusqlite::Error> {
    Ok(Person {
        id: UserId::from(row.get_ref(0)?.as_str()?),
        email: row.get(1)?,
        name: row.get(2)?,
        role: row.get(3)?,
        password_hash: row.get(4)?,
        verified: row.get(5)?,
    })
}

fn add_refresh(conn: &Connection, token: &RefreshToken) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT OR IGNORE INTO swain_refresh (hash, family, user, expires, begun, agent)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let RefreshToken { hash, family, user, expires, begun, agent } = token;
    statement.execute(params![hash, family, user.as_str(), signed(expires.0), signed(begun.0), agent])?;
    Ok(())
}

fn list_sign_ins(conn: &Connection, user: &UserId, now: Millis) -> Result<Vec<RefreshToken>, Failure> {
    let sql = format!(
        "SELECT {TOKEN} FROM swain_refresh WHERE user = ?1 AND used IS NULL AND expires > ?2 ORDER BY expires DESC, family"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_map(params![user.as_str(), signed(now.0)], token_of)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn token_of(row: &rusqlite::Row<'_>) -> Result<RefreshToken, rusqlite::Error> {
    Ok(RefreshToken {
        hash: row.get(0)?,
        family: row.get(1)?,
        user: UserId::from(row.get_ref(2)?.as_str()?),
        expires: Millis(unsigned(row.get(3)?)),
        begun: Millis(unsigned(row.get(4)?)),
        agent: row.get(5)?,
    })
}

fn rotate(
    conn: &Connection,
    hash: &str,
    successor: String,
    expires: Millis,
    now: Millis,
    grace: Millis,
) -> Result<Rotation, Failure> {
    let mut statement = conn.prepare_cached(&format!("SELECT {TOKEN}, used FROM swain_refresh WHERE hash = ?1"))?;
    let token = statement.query_row([hash], |row| {
        let used: Option<i64> = row.get(6)?;
        Ok((token_of(row)?, used.map(unsigned).map(Millis)))
    });
    let Some((token, used)) = token.optional()? else { return Ok(Rotation::Unknown) };
    let RefreshToken { family, user, .. } = token.clone();
    match used {
        Some(used) if now.since(used) > grace => {
            conn.prepare_cached("DELETE FROM swain_refresh WHERE family = ?1")?.execute([&family])?;
            return Ok(Rotation::Reused);
        }
        // The twin of this request has stored the successor.
        Some(_) => {}
        None => {
            let mut statement = conn.prepare_cached("UPDATE swain_refresh SET used = ?2 WHERE hash = ?1")?;
            statement.execute(params![hash, signed(now.0)])?;
            add_refresh(conn, &RefreshToken { hash: successor, expires, ..token })?;
        }
    }
    Ok(Rotation::Rotated { user, family })
}

fn forget_ended(conn: &Connection, now: Millis) -> Result<(), Failure> {
    conn.prepare_cached("DELETE FROM swain_refresh WHERE expires <= ?1")?.execute([signed(now.0)])?;
    Ok(())
}
