# Sources and unit tests of src/server (Makefile.am includes this).
libtined_a_SOURCES += \
	src/server/acceptor.c src/server/acceptor.h \
	src/server/access_record.c src/server/access_record.h \
	src/server/accesslog.c src/server/accesslog.h \
	src/server/asking.c src/server/asking.h \
	src/server/bufpool.c src/server/bufpool.h \
	src/server/channel.c src/server/channel.h \
	src/server/conn.c src/server/conn.h \
	src/server/conn_check.c src/server/conn_check.h \
	src/server/conn_close.c src/server/conn_close.h \
	src/server/conn_input.c src/server/conn_input.h \
	src/server/conn_proxy.c src/server/conn_proxy.h \
	src/server/conn_step.c src/server/conn_step.h \
	src/server/conn_types.h \
	src/server/counters.c src/server/counters.h \
	src/server/context.c src/server/context.h \
	src/server/deadline.c src/server/deadline.h \
	src/server/eviction.c src/server/eviction.h \
	src/server/handler.c src/server/handler.h \
	src/server/handoff.c src/server/handoff.h \
	src/server/handoff_record.c src/server/handoff_record.h \
	src/server/inflight.c src/server/inflight.h \
	src/server/intake.c src/server/intake.h \
	src/server/listings.c src/server/listings.h \
	src/server/loop.c src/server/loop.h \
	src/server/output.c src/server/output.h \
	src/server/proxies.c src/server/proxies.h \
	src/server/readahead.c src/server/readahead.h \
	src/server/requestlog.c src/server/requestlog.h \
	src/server/respond.c src/server/respond.h \
	src/server/scoreboard.c src/server/scoreboard.h \
	src/server/send_rate.c src/server/send_rate.h \
	src/server/served.c src/server/served.h \
	src/server/slots.c src/server/slots.h \
	src/server/transfer.c src/server/transfer.h \
	src/server/worker.c src/server/worker.h \
	src/server/worker_sandbox.c src/server/worker_sandbox.h

unit_tests_server = \
	tests/unit/test_acceptor \
	tests/unit/test_access_record \
	tests/unit/test_accesslog \
	tests/unit/test_asking \
	tests/unit/test_bufpool \
	tests/unit/test_channel \
	tests/unit/test_conn \
	tests/unit/test_conn_check \
	tests/unit/test_conn_close \
	tests/unit/test_conn_ends \
	tests/unit/test_conn_input \
	tests/unit/test_conn_proxy \
	tests/unit/test_conn_step \
	tests/unit/test_conn_types \
	tests/unit/test_counters \
	tests/unit/test_context \
	tests/unit/test_deadline \
	tests/unit/test_eviction \
	tests/unit/test_handler \
	tests/unit/test_handoff \
	tests/unit/test_handoff_hostile \
	tests/unit/test_handoff_proxy \
	tests/unit/test_handoff_record \
	tests/unit/test_inflight \
	tests/unit/test_intake \
	tests/unit/test_listings \
	tests/unit/test_loop \
	tests/unit/test_loop_handover \
	tests/unit/test_output \
	tests/unit/test_proxies \
	tests/unit/test_readahead \
	tests/unit/test_requestlog \
	tests/unit/test_respond \
	tests/unit/test_scoreboard \
	tests/unit/test_send_rate \
	tests/unit/test_served \
	tests/unit/test_slots \
	tests/unit/test_transfer \
	tests/unit/test_worker \
	tests/unit/test_worker_sandbox
unit_tests += $(unit_tests_server)
threaded_units += $(unit_tests_server)

tests_unit_test_acceptor_LDFLAGS = $(AM_LDFLAGS) $(wrap_pair)
tests_unit_test_asking_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock)
tests_unit_test_conn_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) $(wrap_memory) $(wrap_transmit)
tests_unit_test_conn_check_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) $(wrap_transmit)
tests_unit_test_conn_close_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) $(wrap_transmit)
tests_unit_test_conn_ends_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) $(wrap_transmit)
tests_unit_test_conn_proxy_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock)
tests_unit_test_conn_step_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) $(wrap_transmit)
tests_unit_test_context_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock)
tests_unit_test_handler_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) $(wrap_transmit) $(wrap_turns)
tests_unit_test_handoff_LDFLAGS = $(AM_LDFLAGS) $(wrap_pair)
tests_unit_test_handoff_hostile_LDFLAGS = $(AM_LDFLAGS) $(wrap_pair)
tests_unit_test_handoff_proxy_LDFLAGS = $(AM_LDFLAGS) $(wrap_pair)
tests_unit_test_listings_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) -Wl,--wrap=snapshot_read
tests_unit_test_loop_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock)
tests_unit_test_loop_handover_LDFLAGS = $(AM_LDFLAGS) $(wrap_pair)
tests_unit_test_output_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) $(wrap_transmit) -Wl,--wrap=clock_now_us
tests_unit_test_readahead_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) $(wrap_disk)
tests_unit_test_requestlog_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock) -Wl,--wrap=bufpool_get
tests_unit_test_respond_LDFLAGS = $(AM_LDFLAGS) $(wrap_clock)
tests_unit_test_send_rate_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=transmit_queued
tests_unit_test_transfer_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pagecache_has,--wrap=readahead_start
