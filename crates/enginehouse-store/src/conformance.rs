//! What the traits promise: a function per promise, with a sentence for a name. Every store passes them all.
//!
//! A promise is given a store that is empty, and uses it through the traits only. Times are relative to the store's own.

mod audit;
mod counts;
mod dead_letters;
mod durations;
mod engines;
mod events;
mod fleet;
pub(crate) mod given;
mod lanes;
mod lists;
mod locks;
mod minutes;
pub(crate) mod operations;
mod ready;
mod records;
mod reports;
mod retention;
mod terms;
mod tokens;
mod transactions;

/// Writes one test per promise. `$open` gives a fresh, migrated store.
macro_rules! conformance_tests {
    ($open:path) => { conformance_tests! { $open;
        audit::entries_are_listed_newest_first,
        audit::entries_are_found_by_every_field,
        audit::entries_are_linked_in_the_order_in_which_they_were_written,
        audit::entries_of_many_writers_are_one_chain,
        audit::what_was_not_committed_is_no_link,
        audit::the_addresses_of_a_token_are_known_once_they_were_noted,
        counts::counts_equal_the_rows_after_any_sequence,
        counts::a_count_is_seen_within_its_transaction,
        counts::a_lane_knows_since_when_its_oldest_event_has_been_due,
        counts::a_scenario_run_is_kept_as_long_as_an_event_of_it,
        counts::a_scenario_run_knows_its_activity,
        counts::a_scenario_run_names_the_engines_that_hold_its_events,
        counts::scenario_runs_are_listed_page_by_page,
        dead_letters::a_dead_letter_is_read_with_its_event,
        dead_letters::dead_letters_are_listed_newest_first_and_each_once,
        dead_letters::dead_letters_are_found_by_every_field,
        dead_letters::dead_letters_that_failed_alike_are_a_group,
        dead_letters::the_event_of_a_resolved_dead_letter_stays,
        durations::durations_under_one_key_are_added_together,
        durations::durations_are_read_of_one_type_or_of_all,
        durations::the_durations_of_the_oldest_days_are_forgotten_first,
        engines::an_engine_is_read_as_it_was_written,
        engines::engines_are_read_in_the_order_asked_for,
        engines::the_longest_overdue_engine_is_the_first_of_the_silent_ones,
        engines::an_engine_that_is_gone_is_forgotten_once_it_holds_no_lock,
        engines::engines_are_listed_page_by_page_with_their_locks,
        engines::a_page_of_engines_holds_a_bounded_number_of_bytes,
        engines::engines_are_found_by_every_field,
        engines::engines_are_counted_by_status,
        events::an_event_is_read_as_it_was_written,
        events::every_state_is_read_as_it_was_written,
        events::a_payload_is_kept_byte_for_byte,
        events::events_are_read_in_the_order_asked_for,
        events::a_stale_write_changes_nothing,
        events::a_write_under_an_older_lock_changes_nothing,
        events::a_write_to_an_event_that_is_gone_changes_nothing,
        events::one_stale_write_keeps_the_others_from_being_written,
        events::an_event_that_is_changed_is_counted_and_found_where_it_is_then,
        events::a_payload_is_replaced_with_its_event_or_not_at_all,
        events::a_key_finds_its_event_as_long_as_it_is_kept,
        events::a_released_key_is_free_and_its_event_stays,
        events::a_key_that_is_kept_is_not_given_again,
        fleet::every_engine_is_read_with_what_it_holds,
        fleet::events_before_a_place_are_counted_up_to_a_limit,
        fleet::the_head_of_a_lane_is_its_first_queued_event,
        fleet::whoever_failed_an_event_is_known,
        lanes::equal_requirements_are_one_lane,
        lanes::each_requirement_makes_a_lane_of_its_own,
        lanes::lanes_are_found_by_their_numbers,
        lanes::lanes_are_read_from_a_place_on,
        lanes::a_lane_number_is_never_given_twice,
        lanes::only_lanes_without_events_are_forgotten,
        lanes::a_lane_that_is_interned_again_is_there,
        lists::every_event_is_listed_once_newest_first,
        lists::events_are_found_by_every_field,
        lists::a_place_that_no_page_has_answered_fails_nothing,
        lists::a_page_holds_a_bounded_number_of_bytes,
        lists::a_search_goes_on_until_all_has_been_looked_at,
        locks::held_events_are_read_in_the_order_of_their_ids,
        locks::locks_expire_in_the_order_of_their_time,
        locks::expiring_locks_go_on_behind_a_place,
        locks::a_renewed_lock_expires_later,
        minutes::what_happened_in_one_minute_is_added_together,
        minutes::minutes_are_read_in_their_order_and_from_a_place_on,
        minutes::minutes_are_read_of_one_queue_or_one_type,
        minutes::the_oldest_minutes_are_forgotten_first,
        operations::an_operation_is_read_as_it_was_written,
        operations::operations_are_listed_newest_first,
        operations::a_member_of_an_operation_is_one_once,
        operations::members_that_were_not_changed_are_kept_with_why,
        operations::operations_are_forgotten_some_time_after_their_end,
        operations::ids_of_dead_letters_come_page_by_page,
        ready::ready_events_come_in_the_order_in_which_they_became_available,
        ready::ranges_are_answered_together,
        ready::each_range_begins_at_its_own_place,
        ready::an_event_that_is_not_due_is_not_ready,
        ready::only_queued_events_are_ready,
        ready::an_event_that_is_released_is_ready_again,
        ready::ready_events_of_a_run_are_of_that_run,
        ready::the_next_event_to_come_due_is_known,
        ready::queued_events_expire_in_the_order_of_their_time,
        ready::a_lane_without_ready_events_is_left_out_until_one_comes,
        records::settings_are_read_as_they_were_written,
        records::the_registry_version_only_rises,
        records::the_registry_is_read_from_a_version_on,
        records::the_history_of_an_event_is_in_its_order,
        records::old_audit_entries_are_forgotten_first,
        reports::a_report_adds_to_those_before,
        reports::an_event_is_read_with_what_was_reported_of_it,
        reports::the_end_of_a_log_is_known_to_whoever_appends_to_it,
        reports::the_newest_checkpoint_of_an_event_is_known,
        reports::a_forgotten_event_takes_its_reports_with_it,
        retention::the_oldest_finished_events_are_forgotten_first,
        retention::a_dead_letter_is_not_prunable,
        retention::the_oldest_finished_event_is_known,
        retention::a_forgotten_event_takes_its_attempts_and_payload_with_it,
        terms::events_are_found_by_terms,
        terms::dead_letters_are_found_by_terms,
        terms::engines_are_found_by_terms,
        tokens::a_token_is_read_as_it_was_written,
        tokens::the_last_use_of_each_secret_is_known,
        transactions::a_dropped_transaction_changes_nothing,
        transactions::reads_see_a_transaction_once_it_is_committed,
        transactions::a_transaction_reads_what_it_has_written,
        transactions::what_is_read_first_is_what_is_there,
        transactions::an_error_ends_a_transaction_and_nothing_of_it_stays,
        transactions::the_time_of_a_transaction_is_not_earlier_than_one_before,
        transactions::an_empty_set_is_no_error,
    } };
    ($open:path; $($chapter:ident :: $promise:ident),+ $(,)?) => { $(
        #[tokio::test]
        async fn $promise() {
            let opened = $open().await;
            let store: &dyn $crate::Store = &*opened;
            $crate::conformance::$chapter::$promise(store).await;
            assert_eq!(store.check_integrity().await.unwrap(), [""; 0]);
        }
    )+ };
}

mod sqlite {
    conformance_tests!(crate::sqlite::tests::open_fresh);
}

mod postgres {
    conformance_tests!(crate::postgres::tests::open_fresh);
}
