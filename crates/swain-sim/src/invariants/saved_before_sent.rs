//! A mutation is on the disk before it is sent (law 6 on the device, spec C2): else a crash uses its number again.

use swain_core::protocol::Up;

use super::Finding;
use crate::device::SimDevice;
use crate::world::Violation;

pub(crate) fn check(device: &SimDevice, text: &str) -> Finding {
    let Ok(Up::Push(mutations)) = Up::read(text) else {
        return Ok(());
    };
    let is_stored = |n| device.stored.outbox.values().any(|entry| entry.mutation.n == n);
    match mutations.iter().flatten().find(|mutation| !is_stored(mutation.n)) {
        Some(mutation) => Err(format!("d{}: m{} is sent and not saved", device.index, mutation.n)),
        None => Ok(()),
    }
}

pub(crate) fn violated(detail: String) -> Violation {
    Violation { invariant: "saved_before_sent", detail }
}
