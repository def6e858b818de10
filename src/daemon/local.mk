# Sources and unit tests of src/daemon (Makefile.am includes this).
libtined_a_SOURCES += \
	src/daemon/channel_guard.c src/daemon/channel_guard.h \
	src/daemon/child.c src/daemon/child.h \
	src/daemon/child_stderr.c src/daemon/child_stderr.h \
	src/daemon/commands.c src/daemon/commands.h \
	src/daemon/control.c src/daemon/control.h \
	src/daemon/control_message.c src/daemon/control_message.h \
	src/daemon/control_socket.c src/daemon/control_socket.h \
	src/daemon/control_waiters.c src/daemon/control_waiters.h \
	src/daemon/explain_worker.c src/daemon/explain_worker.h \
	src/daemon/fdstore.c src/daemon/fdstore.h \
	src/daemon/fetch.c src/daemon/fetch.h \
	src/daemon/fetch_job.c src/daemon/fetch_job.h \
	src/daemon/fetched.c src/daemon/fetched.h \
	src/daemon/generation.c src/daemon/generation.h \
	src/daemon/generation_open.c src/daemon/generation_open.h \
	src/daemon/generation_types.h \
	src/daemon/generations.c src/daemon/generations.h \
	src/daemon/handover.c src/daemon/handover.h \
	src/daemon/handover_loss.c src/daemon/handover_loss.h \
	src/daemon/leftovers.c src/daemon/leftovers.h \
	src/daemon/listener_notes.c src/daemon/listener_notes.h \
	src/daemon/listeners.c src/daemon/listeners.h \
	src/daemon/listeners_plan.c src/daemon/listeners_plan.h \
	src/daemon/log_loss.c src/daemon/log_loss.h \
	src/daemon/log_reopen.c src/daemon/log_reopen.h \
	src/daemon/master.c src/daemon/master.h \
	src/daemon/outcome.c src/daemon/outcome.h \
	src/daemon/postmortem.c src/daemon/postmortem.h \
	src/daemon/reload.c src/daemon/reload.h \
	src/daemon/reload_policy.c src/daemon/reload_policy.h \
	src/daemon/root_watch.c src/daemon/root_watch.h \
	src/daemon/sd_lines.c src/daemon/sd_lines.h \
	src/daemon/service_manager.c src/daemon/service_manager.h \
	src/daemon/status.c src/daemon/status.h \
	src/daemon/status_format.c src/daemon/status_format.h \
	src/daemon/stderr_lines.c src/daemon/stderr_lines.h \
	src/daemon/stop.c src/daemon/stop.h \
	src/daemon/supervise.c src/daemon/supervise.h \
	src/daemon/totals.c src/daemon/totals.h \
	src/daemon/upgrade.c src/daemon/upgrade.h \
	src/daemon/upgrade_adopt.c src/daemon/upgrade_adopt.h \
	src/daemon/upgrade_exec.c src/daemon/upgrade_exec.h \
	src/daemon/upgrade_state.c src/daemon/upgrade_state.h \
	src/daemon/upkeep.c src/daemon/upkeep.h \
	src/daemon/watch.c src/daemon/watch.h \
	src/daemon/watchdog.c src/daemon/watchdog.h \
	src/daemon/worker_process.c src/daemon/worker_process.h

unit_tests += \
	tests/unit/test_channel_guard \
	tests/unit/test_child \
	tests/unit/test_child_stderr \
	tests/unit/test_commands \
	tests/unit/test_control \
	tests/unit/test_control_message \
	tests/unit/test_control_socket \
	tests/unit/test_control_waiters \
	tests/unit/test_explain_worker \
	tests/unit/test_fdstore \
	tests/unit/test_fetch \
	tests/unit/test_fetch_job \
	tests/unit/test_fetched \
	tests/unit/test_generation \
	tests/unit/test_generation_open \
	tests/unit/test_generations \
	tests/unit/test_handover \
	tests/unit/test_handover_loss \
	tests/unit/test_leftovers \
	tests/unit/test_listener_notes \
	tests/unit/test_listeners \
	tests/unit/test_listeners_plan \
	tests/unit/test_log_loss \
	tests/unit/test_log_reopen \
	tests/unit/test_master \
	tests/unit/test_outcome \
	tests/unit/test_postmortem \
	tests/unit/test_reload \
	tests/unit/test_reload_policy \
	tests/unit/test_root_watch \
	tests/unit/test_sd_lines \
	tests/unit/test_service_manager \
	tests/unit/test_status \
	tests/unit/test_status_format \
	tests/unit/test_stderr_lines \
	tests/unit/test_stop \
	tests/unit/test_supervise \
	tests/unit/test_totals \
	tests/unit/test_upgrade \
	tests/unit/test_upgrade_adopt \
	tests/unit/test_upgrade_exec \
	tests/unit/test_upgrade_state \
	tests/unit/test_upkeep \
	tests/unit/test_watch \
	tests/unit/test_watchdog \
	tests/unit/test_worker_process

tests_unit_test_fetch_LDFLAGS = $(AM_LDFLAGS) $(wrap_fetch)
tests_unit_test_generation_open_LDFLAGS = $(AM_LDFLAGS) $(wrap_fetch)
tests_unit_test_reload_LDFLAGS = $(AM_LDFLAGS) $(wrap_fetch)
tests_unit_test_root_watch_LDFLAGS = $(AM_LDFLAGS) $(wrap_fetch)
