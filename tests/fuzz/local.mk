# Fuzzers (Makefile.am includes this). One is tests/fuzz/fuzz_NAME.c. With --enable-fuzzing libFuzzer
# supplies main(), and nothing else is tested; without, that of replay.c replays their corpora in make
# check.
fuzzers = \
	tests/fuzz/fuzz_address \
	tests/fuzz/fuzz_body \
	tests/fuzz/fuzz_channel \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_conn \
	tests/fuzz/fuzz_control \
	tests/fuzz/fuzz_counters \
	tests/fuzz/fuzz_decision \
	tests/fuzz/fuzz_digest \
	tests/fuzz/fuzz_forwarded \
	tests/fuzz/fuzz_glob \
	tests/fuzz/fuzz_handoff \
	tests/fuzz/fuzz_hostname \
	tests/fuzz/fuzz_httpdate \
	tests/fuzz/fuzz_listing \
	tests/fuzz/fuzz_master \
	tests/fuzz/fuzz_mime \
	tests/fuzz/fuzz_network \
	tests/fuzz/fuzz_postmortem \
	tests/fuzz/fuzz_proxyheader \
	tests/fuzz/fuzz_qvalue \
	tests/fuzz/fuzz_redirectline \
	tests/fuzz/fuzz_request \
	tests/fuzz/fuzz_rulecheck \
	tests/fuzz/fuzz_rules \
	tests/fuzz/fuzz_slashes \
	tests/fuzz/fuzz_state \
	tests/fuzz/fuzz_statusline \
	tests/fuzz/fuzz_stderr_lines \
	tests/fuzz/fuzz_urlpath

if FUZZING
fuzz_main = $(FUZZ_ENGINE)
else
check_LIBRARIES += tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay.c
fuzz_main = tests/fuzz/libreplay.a
endif

# It has a world of its own around connections.
tests_fuzz_fuzz_conn_SOURCES = \
	tests/fuzz/fuzz_conn.c tests/fuzz/conn_texts.h \
	tests/fuzz/conn_disk.c tests/fuzz/conn_disk.h \
	tests/fuzz/served_tree.c tests/fuzz/served_tree.h
tests_fuzz_fuzz_conn_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=transmit_receive,--wrap=transmit_queued \
	$(wrap_transmit) -Wl,--wrap=poller_add,--wrap=poller_set,--wrap=poller_remove \
	-Wl,--wrap=pagecache_has,--wrap=readahead_start,--wrap=readahead_list,--wrap=bufpool_get \
	-Wl,--wrap=sites_is_swapped,--wrap=sites_tree_is_swapped,--wrap=shutdown \
	-Wl,--wrap=clock_now_us,--undefined=__wrap_clock_now_us

# It has a world of its own around a master.
tests_fuzz_fuzz_master_SOURCES = \
	tests/fuzz/fuzz_master.c \
	tests/fuzz/mastercheck.c tests/fuzz/mastercheck.h \
	tests/fuzz/masterexec.c tests/fuzz/masterexec.h \
	tests/fuzz/masterworld.c tests/fuzz/masterworld.h \
	tests/fuzz/masterworld_rest.c
tests_fuzz_fuzz_master_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=child_spawn \
	-Wl,--wrap=child_stderr_open -Wl,--wrap=clock_now \
	-Wl,--wrap=clock_now_us -Wl,--wrap=clock_wall_s -Wl,--wrap=close -Wl,--wrap=control_answer \
	-Wl,--wrap=control_free -Wl,--wrap=control_new -Wl,--wrap=control_path -Wl,--wrap=control_serve \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=aligned_alloc -Wl,--wrap=free \
	-Wl,--wrap=strdup -Wl,--wrap=strndup -Wl,--wrap=fopen -Wl,--wrap=fexecve -Wl,--wrap=dup3 -Wl,--wrap=execv -Wl,--wrap=explain_worker_start -Wl,--wrap=fcntl \
	-Wl,--wrap=handoff_pair -Wl,--wrap=ioctl -Wl,--wrap=shutdown -Wl,--wrap=fdpass_pair -Wl,--wrap=fdpass_receive \
	-Wl,--wrap=fdpass_send -Wl,--wrap=fetch_job_receive -Wl,--wrap=fetches_init -Wl,--wrap=fork \
	-Wl,--wrap=generations_add -Wl,--wrap=generations_init \
	-Wl,--wrap=listener_address -Wl,--wrap=listener_open -Wl,--wrap=listener_queue \
	-Wl,--wrap=listener_somaxconn -Wl,--wrap=listener_stop_deferring -Wl,--wrap=listener_unlink \
	-Wl,--wrap=poll -Wl,--wrap=poller_add -Wl,--wrap=poller_cleanup -Wl,--wrap=poller_init \
	-Wl,--wrap=poller_remove -Wl,--wrap=poller_wait -Wl,--wrap=privs_raise_nofile \
	-Wl,--wrap=privs_reduce_master -Wl,--wrap=reload_init -Wl,--wrap=reload_start -Wl,--wrap=rootfs_stat_cached \
	-Wl,--wrap=sharedmem_lend -Wl,--wrap=sharedmem_map -Wl,--wrap=sharedmem_unmap \
	-Wl,--wrap=signals_next -Wl,--wrap=signals_open -Wl,--wrap=stop_init -Wl,--wrap=syscall \
	-Wl,--wrap=upgrade_exec_prove -Wl,--wrap=upgrade_init -Wl,--wrap=waitpid -Wl,--wrap=worker_sandbox_make

fuzzers: $(fuzzers)
.PHONY: fuzzers

EXTRA_DIST += \
	tests/fuzz/corpus \
	tests/fuzz/coverage \
	tests/fuzz/fuzz.h \
	tests/fuzz/http.dict \
	tests/fuzz/planted-bug \
	tests/fuzz/replay-corpora \
	tests/fuzz/replay.c
