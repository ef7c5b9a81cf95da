//! Passwords, kept as argon2id hashes.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use swain_core::{Code, Problem};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::limits::{HASHES_WAITING_MAX, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};

/// OWASP: 19 MiB, two passes, one lane; about 28 ms.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash of nobody's password, with the same cost: an unknown address takes as long as a wrong password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3dhaW4tbm9ib2R5LXNhbHQ$47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

/// Hashes on as many cores as there are, so that a flood of sign-ins does not take the machine.
pub(super) struct Passwords {
    cores: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores: Arc::new(Semaphore::new(cores)), waiting: Arc::new(Semaphore::new(HASHES_WAITING_MAX)) }
    }

    /// The hash of a new password, as a PHC string.
    pub(super) async fn hash(&self, password: String) -> Result<String, Problem> {
        let hashed = self.on_a_core(move || hasher().hash_password(password.as_bytes()));
        let hash = hashed.await?.map_err(|error| {
            tracing::error!(error = %error, "a password cannot be hashed");
            internal()
        })?;
        Ok(hash.to_string())
    }

    /// True when the password is the one of this hash. Without a hash it takes as long.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let is_right = self.on_a_core(move || {
            let hash = PasswordHash::new(&hash);
            hash.is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok())
        });
        Ok(is_right.await? && known)
    }

    async fn on_a_core<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        let _place: OwnedSemaphorePermit =
            place.map_err(|_| Problem::new(Code::Overloaded, "too many people sign in at once; try again"))?;
        let core = Arc::clone(&self.cores).acquire_owned().await;
        let core = core.map_err(|_| internal())?;
        // The permit goes with the work: a request that is given up does not free the core before its work ends.
        let done = spawn_blocking(move || {
            let _core = core;
            work()
        });
        done.await.map_err(|_| internal())
    }
}

/// A password has to be of a length that helps, and not of one that hurts.
pub(super) fn check_password(password: &str) -> Result<(), Problem> {
    if (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&password.len()) {
        return Ok(());
    }
    let detail = format!("a password has {PASSWORD_BYTES_MIN} to {PASSWORD_BYTES_MAX} bytes");
    Err(Problem::new(Code::BadPassword, detail).at("body.password"))
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("these parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn internal() -> Problem {
    Problem::new(Code::Internal, "something is wrong inside the server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_hash_costs_as_much_as_a_real_one() {
        let real = hasher().hash_password(b"pickup-game").unwrap().to_string();
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");

        assert_eq!(cost(NOBODY), cost(&real));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[test]
    fn password_lengths_are_taken_at_the_limit_and_not_beyond() {
        let check = |length: usize| check_password(&"x".repeat(length)).is_ok();

        assert!(check(PASSWORD_BYTES_MIN) && check(PASSWORD_BYTES_MAX));
        assert!(!check(PASSWORD_BYTES_MIN - 1) && !check(PASSWORD_BYTES_MAX + 1));
    }
}
