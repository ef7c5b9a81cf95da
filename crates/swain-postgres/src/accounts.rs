//! Accounts and their refresh tokens (spec P17, P18).

use swain_core::{Millis, UserId};
use swain_store::{Accounts, Person, RefreshToken, Rotation, StoreError};
use tokio_postgres::types::ToSql;

use crate::connection::Session;
use crate::failure::Failure;
use crate::log::{limit, signed, unsigned};
use crate::store::PostgresStore;

/// The columns of a [`RefreshToken`], in its order.
const TOKEN: &str = "hash, family, usr, expires, begun, agent";

impl Accounts for PostgresStore {
    async fn add_person(&self, person: Person) -> Result<bool, StoreError> {
        self.with_session(async move |session| add_person(&session, &person).await).await
    }

    async fn person_by_email(&self, email: String) -> Result<Option<Person>, StoreError> {
        self.with_session(async move |session| read_person(&session, "email", &email).await).await
    }

    async fn person(&self, id: UserId) -> Result<Option<Person>, StoreError> {
        self.with_session(async move |session| read_person(&session, "id", id.as_str()).await).await
    }

    async fn add_refresh(&self, token: RefreshToken) -> Result<(), StoreError> {
        self.with_session(async move |session| add_refresh(&session, &token).await).await
    }

    async fn rotate_refresh(
        &self,
        hash: String,
        successor: String,
        expires: Millis,
        now: Millis,
        grace: Millis,
    ) -> Result<Rotation, StoreError> {
        self.with_session(async move |session| {
            session.batch("BEGIN").await?;
            let result = rotate(&session, &hash, successor, (expires, now, grace)).await;
            session.end(result).await
        })
        .await
    }

    async fn revoke_refresh(&self, hash: String) -> Result<(), StoreError> {
        let sql = "DELETE FROM swain.refresh WHERE family = (SELECT family FROM swain.refresh WHERE hash = $1)";
        self.with_session(async move |session| session.execute(sql, &[&hash]).await.map(drop)).await
    }

    async fn persons(&self, after: Option<String>, max: usize) -> Result<Vec<Person>, StoreError> {
        let sql = "
            SELECT id, email, name, role, password_hash, verified FROM swain.persons
            WHERE $1::text IS NULL OR email COLLATE \"C\" > $1 ORDER BY email COLLATE \"C\" LIMIT $2";
        self.with_session(async move |session| {
            let rows = session.query(sql, &[&after, &limit(max)]).await?;
            Ok(rows.iter().map(person_of).collect())
        })
        .await
    }

    async fn change_person(&self, was: Person, person: Person) -> Result<bool, StoreError> {
        let sql = "
            UPDATE swain.persons SET name = $2, role = $3, password_hash = $4, verified = $5
            WHERE id = $1 AND (email, name, role, password_hash, verified) = ($6, $7, $8, $9, $10)";
        self.with_session(async move |session| {
            let Person { name, role, password_hash, verified, .. } = &person;
            let now: [&(dyn ToSql + Sync); 5] = [&was.id.as_str(), name, role, password_hash, verified];
            let then: [&(dyn ToSql + Sync); 5] = [&was.email, &was.name, &was.role, &was.password_hash, &was.verified];
            Ok(session.execute(sql, &[now, then].concat()).await? > 0)
        })
        .await
    }

    async fn remove_person(&self, id: UserId) -> Result<bool, StoreError> {
        let sql = "
            WITH signed_in AS (DELETE FROM swain.refresh WHERE usr = $1)
            DELETE FROM swain.persons WHERE id = $1";
        self.with_session(async move |session| Ok(session.execute(sql, &[&id.as_str()]).await? > 0)).await
    }

    async fn sign_ins(&self, user: UserId, now: Millis) -> Result<Vec<RefreshToken>, StoreError> {
        let sql = format!(
            "SELECT {TOKEN} FROM swain.refresh WHERE usr = $1 AND used IS NULL AND expires > $2
             ORDER BY expires DESC, family"
        );
        self.with_session(async move |session| {
            let rows = session.query(&sql, &[&user.as_str(), &signed(now.0)]).await?;
            Ok(rows.iter().map(token_of).collect())
        })
        .await
    }

    async fn revoke_sign_in(&self, user: UserId, family: String) -> Result<bool, StoreError> {
        let sql = "DELETE FROM swain.refresh WHERE usr = $1 AND family = $2";
        self.with_session(async move |session| Ok(session.execute(sql, &[&user.as_str(), &family]).await? > 0)).await
    }

    async fn revoke_person(&self, id: UserId) -> Result<u64, StoreError> {
        let sql = "
            WITH gone AS (DELETE FROM swain.refresh WHERE usr = $1 RETURNING family)
            SELECT count(DISTINCT family) FROM gone";
        self.with_session(async move |session| Ok(unsigned(session.query_one(sql, &[&id.as_str()]).await?.get(0))))
            .await
    }
}

async fn add_person(session: &Session, person: &Person) -> Result<bool, Failure> {
    let sql = "INSERT INTO swain.persons (id, email, name, role, password_hash, verified)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING";
    let Person { id, email, name, role, password_hash, verified } = person;
    Ok(session.execute(sql, &[&id.as_str(), email, name, role, password_hash, verified]).await? > 0)
}

async fn read_person(session: &Session, column: &str, value: &str) -> Result<Option<Person>, Failure> {
    let sql = format!("SELECT id, email, name, role, password_hash, verified FROM swain.persons WHERE {column} = $1");
    let row = session.query_opt(&sql, &[&value]).await?;
    Ok(row.as_ref().map(person_of))
}

fn person_of(row: &tokio_postgres::Row) -> Person {
    Person {
        id: UserId::from(row.get::<_, &str>(0)),
        email: row.get(1),
        name: row.get(2),
        role: row.get(3),
        password_hash: row.get(4),
        verified: row.get(5),
    }
}

async fn add_refresh(session: &Session, token: &RefreshToken) -> Result<(), Failure> {
    let sql = "INSERT INTO swain.refresh (hash, family, usr, expires, begun, agent)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let RefreshToken { hash, family, user, expires, begun, agent } = token;
    let (expires, begun) = (signed(expires.0), signed(begun.0));
    session.execute(sql, &[hash, family, &user.as_str(), &expires, &begun, agent]).await.map(drop)
}

fn token_of(row: &tokio_postgres::Row) -> RefreshToken {
    RefreshToken {
        hash: row.get(0),
        family: row.get(1),
        user: UserId::from(row.get::<_, &str>(2)),
        expires: Millis(unsigned(row.get(3))),
        begun: Millis(unsigned(row.get(4))),
        agent: row.get(5),
    }
}

/// The token's row is locked, so of two at once the second sees what the first did.
async fn rotate(
    session: &Session,
    hash: &str,
    successor: String,
    (expires, now, grace): (Millis, Millis, Millis),
) -> Result<Rotation, Failure> {
    session.execute("DELETE FROM swain.refresh WHERE expires <= $1", &[&signed(now.0)]).await?;
    let sql = format!("SELECT {TOKEN}, used FROM swain.refresh WHERE hash = $1 FOR UPDATE");
    let Some(row) = session.query_opt(&sql, &[&hash]).await? else { return Ok(Rotation::Unknown) };
    let token = token_of(&row);
    let RefreshToken { family, user, .. } = token.clone();
    match row.get::<_, Option<i64>>(6).map(|used| Millis(unsigned(used))) {
        Some(used) if now.since(used) > grace => {
            session.execute("DELETE FROM swain.refresh WHERE family = $1", &[&family]).await?;
            return Ok(Rotation::Reused);
        }
        // The twin of this request has stored the successor.
        Some(_) => {}
        None => {
            let sql = "UPDATE swain.refresh SET used = $2 WHERE hash = $1";
            session.execute(sql, &[&hash, &signed(now.0)]).await?;
            add_refresh(session, &RefreshToken { hash: successor, expires, ..token }).await?;
        }
    }
    Ok(Rotation::Rotated { user, family })
}
