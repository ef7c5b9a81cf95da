//! Seeds that once found something, and the planted bugs that prove that the checkers would find it again.

use swain_sim::{Plan, Planted, run};
use swain_testkit::spec;

/// Runs of the first seeds are part of every test run; `cargo xtask test` runs 5 000 with the `swain-sim` binary.
#[test]
fn the_first_seeds_keep_every_invariant() {
    spec!("C1");
    spec!("C3");
    spec!("C7");
    spec!("S3");
    spec!("S12");
    spec!("P14");
    spec!("P19");
    spec!("P25");
    spec!("C19");
    for seed in 1..=64 {
        let report = run(&Plan::of(seed));
        assert_eq!(report.violation, None, "seed {seed}; replay: cargo xtask sim {seed}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [7, 16, 41] {
        let plan = Plan::of(seed);
        let (first, second) = (run(&plan), run(&plan));
        assert_eq!((first.trace_hash, first.events), (second.trace_hash, second.events), "seed {seed}");
    }
}

/// Each planted bug with the seed and the invariant that catch it.
#[test]
fn every_planted_bug_is_caught() {
    let pinned = [
        ("DropOverlayOnResults", 1, "optimistic_equivalence"),
        ("CursorBeforeRows", 12, "no_hole"),
        ("SendBeforeSaved", 1, "saved_before_sent"),
        ("AcceptOldFrame", 4, "monotonic"),
        ("SkipRemove", 1, "no_hole"),
        ("LoadKeepsAbsentRows", 8, "no_hole"),
        ("AliasNotSaved", 3, "real_names"),
        ("AliasNotFollowed", 1, "real_names"),
        ("LedgerForgets", 1, "log"),
        ("LogSkipsFirst", 1, "no_hole"),
        ("LogTearsPosition", 4, "atomic_position"),
        ("AckAhead", 2, "ack_with_effect"),
        ("LeavingRowForgotten", 3, "no_hole"),
        ("CommitLost", 8, "exactly_once"),
        ("FloorForgotten", 2, "no_hole"),
        ("AliasUntold", 1, "real_names"),
        ("AliasWrong", 1, "real_names"),
    ];
    assert_eq!(pinned.len(), Planted::all().len(), "every bug has a pinned seed");

    for (name, seed, invariant) in pinned {
        let bug = Planted::all().into_iter().find(|bug| bug.name() == name).expect("the bug has this name");
        let caught = run(&Plan::of(seed).planted(bug)).violation.map(|violation| violation.invariant);
        assert_eq!(caught, Some(invariant), "{name} with seed {seed}");
        let clean = run(&Plan { sqlite: false, ..Plan::of(seed) }).violation;
        assert_eq!(clean, None, "without {name} seed {seed} is clean");
    }
}
