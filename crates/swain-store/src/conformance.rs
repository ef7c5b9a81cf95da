//! The suite that every store runs: one check for each behaviour that the [`Store`](crate::Store) contract names.
//!
//! ```text
//! use swain_testkit::spec;
//!
//! fn open() -> Fixture<MyStore> { … }
//!
//! swain_store::store_conformance!(open, spec);
//! ```
//!
//! `open` gives a store whose tables are those of [`schema`] and empty, not yet adopted. `spec` is the macro that records
//! which rules of the contract were tested; this crate cannot name it, because products depend on this crate.

pub mod accounts;
pub mod aliasing;
pub mod announcing;
mod arbiter;
pub mod deciding;
mod fixture;
pub mod history;
pub mod inbox;
pub mod ledger;
pub mod loading;
pub mod logging;
pub mod refusing;
pub mod retention;
pub mod retrying;
pub mod rules;
pub mod schema_row;
pub mod shape_lists;
mod tables;
pub mod writing;

pub use arbiter::PlainArbiter;
pub use fixture::{Enforces, Fixture, run};
pub use tables::{POSTGRES_TABLES, SQLITE_TABLES, checks, schema};

/// Expands to one `#[test]` for each check of the suite.
#[macro_export]
macro_rules! store_conformance {
    ($open:path, $spec:ident) => {
        $crate::store_conformance! { @tests $open, $spec;
            deciding::an_applied_mutation_is_in_the_table_and_in_the_log => spec!("S1", "S3");
            deciding::a_mutation_of_several_operations_is_one_position => spec!("S1");
            deciding::several_changes_of_one_row_are_one_change => spec!("S3");
            deciding::a_row_that_comes_and_goes_in_one_mutation_is_not_in_the_log => spec!("S3");
            deciding::devices_interleave_and_each_keeps_its_order => spec!("S6", "S11");
            deciding::more_mutations_than_one_commit_holds_are_all_decided => spec!("S6");
            deciding::positions_are_dense_and_tags_belong_to_them => spec!("S1");
            deciding::the_arbiter_is_told_what_a_strategy_decided => spec!("M5");
            retrying::a_retry_gets_the_stored_result => spec!("P14", "S5");
            retrying::a_retry_in_the_same_submission_gets_the_stored_result => spec!("P14");
            retrying::a_refusal_is_retried_with_the_same_answer => spec!("P14", "S4");
            retrying::a_gap_is_not_attempted => spec!("P14");
            retrying::other_content_under_the_same_number_is_a_mismatch => spec!("P14");
            retrying::a_device_of_another_user_is_not_yours => spec!("P14");
            retrying::what_follows_a_mutation_that_was_not_attempted_is_not_attempted => spec!("S11");
            refusing::a_refusal_takes_a_position_and_undoes_only_itself => spec!("S1", "S5", "S11");
            refusing::a_refusal_by_the_arbiter_undoes_what_it_wrote => spec!("S5");
            refusing::an_unreadable_mutation_is_refused_and_takes_its_number => spec!("S1", "S11");
            refusing::a_refusal_names_code_table_columns_and_rule => spec!("P10", "S17");
            refusing::a_missing_parent_is_refused => spec!("P10");
            refusing::a_parent_may_come_after_its_child_in_one_mutation => spec!("S5");
            logging::replaying_the_log_gives_the_table => spec!("S3");
            logging::an_update_that_changes_nothing_is_not_logged => spec!("S3");
            logging::changes_carry_whole_rows_before_and_after => spec!("S3");
            logging::a_scope_gives_only_its_rows => spec!("S3");
            logging::a_row_that_leaves_a_scope_is_in_both => spec!("S3");
            logging::several_interests_give_each_change_once => spec!("S3");
            logging::a_scope_of_null_is_a_scope => spec!("S3");
            logging::positions_of_the_asking_device_are_included => spec!("P9");
            logging::pages_hold_whole_positions_and_lose_none => spec!("S12");
            logging::a_position_larger_than_the_page_is_given_whole => spec!("S12");
            logging::a_page_ends_at_the_head => spec!("S12");
            logging::relevant_changes_are_counted_up_to_a_limit => spec!("P16");
            history::a_rows_history_is_read_backwards_in_pages => spec!("S20");
            history::a_history_begins_below_any_position => spec!("S20");
            loading::a_load_goes_on_behind_the_last_key => spec!("P5");
            loading::a_load_names_the_head_of_its_snapshot => spec!("P5");
            loading::a_load_gives_what_the_predicate_grants => spec!("R3");
            rules::a_rule_means_the_same_in_sql_and_in_memory => spec!("R2", "R3", "R9");
            loading::integer_keys_are_in_numeric_order => spec!("P5");
            loading::an_estimate_is_near_the_number_of_rows => spec!("P5");
            writing::values_of_every_type_come_back_as_they_went => spec!("V1", "V7");
            writing::json_comes_back_in_canonical_form => spec!("V1", "V3");
            writing::a_transaction_reads_what_it_wrote => spec!("S5");
            writing::the_last_write_of_a_column_is_known => spec!("M5");
            writing::the_time_of_a_position_is_known => spec!("M5");
            ledger::acknowledged_is_what_was_decided_at_a_position => spec!("P9");
            ledger::results_rise_behind_a_number => spec!("P4", "P10");
            ledger::results_keep_every_part => spec!("S4");
            ledger::old_results_are_forgotten_but_not_their_decision => spec!("S4");
            ledger::a_device_belongs_to_who_claims_it_first => spec!("P14");
            retention::the_floor_is_the_newest_position_as_old_as_the_retention => spec!("S16");
            retention::behind_a_position_below_the_floor_nothing_is_read => spec!("S16", "P13");
            retention::small_steps_come_to_the_same => spec!("S16");
            retention::the_log_above_the_floor_is_untouched => spec!("S16", "S3");
            retention::a_time_in_the_future_does_not_hold_the_floor => spec!("S16");
            retention::a_table_keeps_its_history_as_long_as_it_says => spec!("S16");
            retention::a_last_write_below_the_floor_is_at_the_floor => spec!("S16", "M5");
            retention::results_of_a_living_device_survive_the_floor => spec!("S16", "S4");
            retention::a_retired_device_keeps_its_number_and_its_refusals => spec!("S16", "P14");
            retention::a_device_that_never_wrote_is_forgotten => spec!("S16");
            retention::acknowledged_is_known_from_the_floor_on => spec!("S16", "P9");
            aliasing::the_database_gives_ids_that_nobody_had => spec!("S18");
            aliasing::an_alias_is_known_in_its_own_mutation_and_after_it => spec!("S18", "M10");
            aliasing::an_alias_is_told_with_its_position_and_by_number => spec!("S18", "P25");
            aliasing::an_alias_of_a_refused_mutation_is_undone => spec!("S18");
            aliasing::an_alias_belongs_to_its_device => spec!("S18");
            aliasing::a_new_alias_of_a_key_replaces_the_old => spec!("S18");
            aliasing::a_row_is_found_by_its_unique_values => spec!("S18", "M11");
            inbox::a_row_of_the_inbox_is_logged_with_what_it_is_about => spec!("S19", "M16");
            inbox::the_inbox_is_no_table_of_the_application => spec!("S19");
            schema_row::adopting_a_schema_gives_it_a_version_and_a_position => spec!("S8");
            schema_row::the_same_schema_again_is_nothing_new => spec!("S8");
            schema_row::another_schema_is_the_next_version => spec!("S8");
            schema_row::introspection_names_tables_columns_and_keys => spec!("V8");
            announcing::a_reader_is_woken_by_a_commit => spec!("S2");
            announcing::a_submission_is_committed_when_it_is_answered => spec!("S2");
            accounts::a_person_is_found_by_address_and_id => spec!("P17");
            accounts::an_address_is_taken_once => spec!("P17");
            accounts::a_refresh_token_is_used_once => spec!("P18");
            accounts::within_the_grace_the_same_successor_comes_again => spec!("P18");
            accounts::reuse_after_the_grace_revokes_the_family => spec!("P18");
            accounts::an_ended_or_unknown_token_is_unknown => spec!("P18");
            accounts::signing_out_revokes_the_family => spec!("P18");
            accounts::people_are_listed_in_pages_changed_and_removed => spec!("P17");
            accounts::sign_ins_are_listed_and_ended_one_by_one => spec!("P18");
            accounts::revoking_a_person_ends_all_sign_ins => spec!("P18");
            shape_lists::a_list_of_shapes_is_found_by_its_hash => spec!("P20");
            shape_lists::of_too_many_lists_the_longest_unused_goes => spec!("P20");
        }
    };
    (@tests $open:path, $spec:ident; $($module:ident :: $name:ident => spec!($($id:literal),+);)*) => {
        $(
            #[test]
            fn $name() {
                $spec!($($id),+);
                $crate::conformance::run($open(), $crate::conformance::$module::$name);
            }
        )*
    };
}
