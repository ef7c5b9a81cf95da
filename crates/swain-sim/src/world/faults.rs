//! What goes wrong, and the end of it.

use swain_core::Millis;
use swain_store::Store;

use super::{Event, Violation, World};
use crate::network::{Link, Way};
use crate::plan::Fault;

impl<S: Store> World<S> {
    pub(super) fn schedule_fault(&mut self, fault: Fault) {
        let delay = 300 + self.dice.below(3_000);
        self.schedule(delay, Event::Fault(fault));
    }

    pub(super) fn strike(&mut self, fault: Fault) -> Result<(), Violation> {
        if self.healed {
            return Ok(());
        }
        self.schedule_fault(fault);
        match fault {
            // These strike single messages, in the network.
            Fault::Delay | Fault::Duplicate | Fault::Reorder | Fault::Drop => Ok(()),
            Fault::Cut => {
                let links = self.network.links();
                if !links.is_empty() {
                    let link = *self.dice.pick(&links);
                    self.cut(link);
                }
                Ok(())
            }
            Fault::DeviceCrash => {
                let index = self.any_device();
                self.crash_device(index);
                Ok(())
            }
            Fault::StaleCursor => {
                let index = self.any_device();
                self.crash_device(index);
                if let Some(meta) = &mut self.devices[index].stored.meta {
                    meta.cursor = Some("expired".into());
                }
                Ok(())
            }
            Fault::ServerCrash => {
                self.crash_server();
                Ok(())
            }
            Fault::Outside => {
                if let Some(write) = self.outside {
                    write(self.server.store(), self.now, self.markers);
                }
                let wishes = self.server.look(self.now);
                self.follow_wishes(wishes)
            }
            Fault::Retention => self.clean_up(),
        }
    }

    /// Days become seconds: everybody who was away for longer finds the log behind the cursor gone.
    fn clean_up(&mut self) -> Result<(), Violation> {
        let (keep, rows_max) = (Millis(self.dice.below(3_000)), 1 + self.dice.below(60));
        let trimmed = self.server.trim(self.now, keep, rows_max);
        let trimmed = trimmed.map_err(|detail| Violation { invariant: "retention", detail })?;
        self.trace.note(self.now, "srv", format_args!("{trimmed:?}"));
        let wishes = self.server.look(self.now);
        self.follow_wishes(wishes)
    }

    fn any_device(&mut self) -> usize {
        usize::try_from(self.dice.below(self.devices.len() as u64)).expect("a small number")
    }

    fn cut(&mut self, link: Link) {
        let Some(index) = self.network.device(link) else {
            return;
        };
        self.trace.note(self.now, "net", format_args!("cut {}", link.0));
        self.network.close(link);
        let (first, second) = (self.dice.below(300), self.dice.below(300));
        self.schedule(first, Event::EndOfLink(link, Way::Up, None, index as u64));
        self.schedule(second, Event::EndOfLink(link, Way::Down, None, index as u64));
    }

    fn crash_device(&mut self, index: usize) {
        self.trace.note(self.now, format_args!("d{index}"), "crash");
        self.close_from_device(index);
        self.devices[index].crash();
        let delay = 20 + self.dice.below(1_500);
        self.schedule(delay, Event::Start(index));
    }

    fn crash_server(&mut self) {
        if !self.server.is_up() {
            return;
        }
        self.trace.note(self.now, "srv", "crash");
        self.server.crash();
        for link in self.network.links() {
            self.cut(link);
        }
        let delay = 20 + self.dice.below(1_500);
        self.schedule(delay, Event::ServerStart);
    }

    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.trace.note(self.now, "net", "heal");
        self.healed = true;
        self.network.heal();
        if !self.server.is_up() {
            self.schedule(1, Event::ServerStart);
        }
        for index in 0..self.devices.len() {
            self.schedule(2, Event::Start(index));
        }
        Ok(())
    }
}
