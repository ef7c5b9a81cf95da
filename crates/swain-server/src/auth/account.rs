//! New accounts.

use swain_core::decode::Node;
use swain_core::{Code, Problem, UserId, Value};
use swain_store::{Accounts, Person};

use super::email_taken;
use super::password::{Passwords, check_password};
use crate::limits::{EMAIL_BYTES_MAX, NAME_CHARS_MAX};
use crate::random::random_user;
use crate::refusal::store_problem;

/// An account that shall be made.
#[derive(Clone)]
pub struct NewAccount {
    /// The id that application tables will hold; drawn when there is none.
    pub id: Option<UserId>,
    /// With what the person signs in.
    pub email: String,
    /// For display; the part of the address before the @ when there is none.
    pub name: Option<String>,
    /// What only the person knows.
    pub password: String,
    /// What rules call `auth.role`.
    pub role: String,
}

/// Makes an account outside HTTP: for the command line.
pub async fn add_account<A: Accounts>(store: &A, account: NewAccount) -> Result<Person, Problem> {
    let account = account.checked()?;
    let password_hash = Passwords::new().hash(account.password.clone()).await?;
    let person = account.into_person(password_hash);
    let added = store.add_person(person.clone()).await;
    match added.map_err(|error| store_problem(&error))? {
        true => Ok(person),
        false => Err(email_taken()),
    }
}

/// Somebody else changed the account between two looks at it.
pub(super) fn changed_meanwhile() -> Problem {
    Problem::new(Code::Transient, "the account was changed in this moment; look at it and try again")
}

/// Gives a person another password and ends their sign-ins: for the command line. Access tokens live until they end.
pub async fn set_password<A: Accounts>(store: &A, person: Person, password: String) -> Result<(), Problem> {
    check_password(&password)?;
    let password_hash = Passwords::new().hash(password).await?;
    let id = person.id.clone();
    let changed = store.change_person(person.clone(), Person { password_hash, ..person }).await;
    if !changed.map_err(|error| store_problem(&error))? {
        return Err(changed_meanwhile());
    }
    store.revoke_person(id).await.map_err(|error| store_problem(&error)).map(drop)
}

impl NewAccount {
    /// The account of somebody without a special role.
    pub fn new(email: impl Into<String>, password: impl Into<String>) -> Self {
        Self { id: None, email: email.into(), name: None, password: password.into(), role: "user".to_owned() }
    }

    pub(super) fn read(body: &Value) -> Result<Self, Problem> {
        let body = Node::root("body", body);
        let email = body.required("email")?.text()?;
        let password = body.required("password")?.text()?;
        let name = body.member("name")?.map(|name| name.text()).transpose()?;
        let account = Self { name: name.map(str::to_owned), ..Self::new(email, password) };
        account.checked()
    }

    fn checked(self) -> Result<Self, Problem> {
        let email = read_email(&self.email)?;
        check_password(&self.password)?;
        Ok(Self { email, name: read_name(self.name)?, ..self })
    }

    pub(super) fn into_person(self, password_hash: String) -> Person {
        let before_at = self.email.split('@').next().unwrap_or_default().to_owned();
        Person {
            id: self.id.unwrap_or_else(random_user),
            name: self.name.unwrap_or(before_at),
            email: self.email,
            role: self.role,
            password_hash,
            verified: false,
        }
    }
}

/// A name without blanks around it; none if that is nothing.
pub(super) fn read_name(name: Option<String>) -> Result<Option<String>, Problem> {
    let name = name.map(|name| name.trim().to_owned());
    if name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        let detail = format!("a name has at most {NAME_CHARS_MAX} characters");
        return Err(Problem::new(Code::WrongType, detail).at("body.name"));
    }
    Ok(name.filter(|name| !name.is_empty()))
}

/// An address in the one form in which it is stored and looked for.
pub(super) fn read_email(text: &str) -> Result<String, Problem> {
    let email = text.trim().to_lowercase();
    let is_odd = |char: char| char.is_whitespace() || char.is_control();
    let is_good = email.len() <= EMAIL_BYTES_MAX
        && !email.contains(is_odd)
        && matches!(email.split_once('@'), Some((name, host))
            if !name.is_empty() && !host.is_empty() && !host.contains('@'));
    match is_good {
        true => Ok(email),
        false => Err(Problem::new(Code::BadEmail, "this is no e-mail address").at("body.email")),
    }
}
