# Sources and unit tests of src/cli (Makefile.am includes this).
libtined_a_SOURCES += \
	src/cli/args.c src/cli/args.h \
	src/cli/cmd_check.c src/cli/cmd_check.h \
	src/cli/cmd_config.c src/cli/cmd_config.h \
	src/cli/cmd_control.c src/cli/cmd_control.h \
	src/cli/cmd_explain.c src/cli/cmd_explain.h \
	src/cli/cmd_precompress.c src/cli/cmd_precompress.h \
	src/cli/cmd_probe.c src/cli/cmd_probe.h \
	src/cli/cmd_run.c src/cli/cmd_run.h \
	src/cli/control_client.c src/cli/control_client.h \
	src/cli/load_config.c src/cli/load_config.h \
	src/cli/url.c src/cli/url.h

unit_tests += \
	tests/unit/test_args \
	tests/unit/test_cmd_check \
	tests/unit/test_cmd_config \
	tests/unit/test_cmd_control \
	tests/unit/test_cmd_explain \
	tests/unit/test_cmd_precompress \
	tests/unit/test_cmd_probe \
	tests/unit/test_cmd_run \
	tests/unit/test_control_client \
	tests/unit/test_load_config \
	tests/unit/test_url
