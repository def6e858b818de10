# Sources and unit tests of src/conf (Makefile.am includes this).
libtined_a_SOURCES += \
	src/conf/conf.c src/conf/conf.h \
	src/conf/conf_advice.c src/conf/conf_advice.h \
	src/conf/conf_build.c src/conf/conf_build.h \
	src/conf/conf_check.c src/conf/conf_check.h \
	src/conf/conf_choice.c src/conf/conf_choice.h \
	src/conf/conf_crosscheck.c src/conf/conf_crosscheck.h \
	src/conf/conf_dump.c src/conf/conf_dump.h \
	src/conf/conf_load.c src/conf/conf_load.h \
	src/conf/conf_options.c src/conf/conf_options.h \
	src/conf/conf_path.c src/conf/conf_path.h \
	src/conf/conf_prescan.c src/conf/conf_prescan.h \
	src/conf/conf_source.h \
	src/conf/conf_store.c src/conf/conf_store.h \
	src/conf/conf_types.h \
	src/conf/conf_value.c src/conf/conf_value.h \
	src/conf/suggest.c src/conf/suggest.h

unit_tests += \
	tests/unit/test_conf \
	tests/unit/test_conf_advice \
	tests/unit/test_conf_build \
	tests/unit/test_conf_check \
	tests/unit/test_conf_choice \
	tests/unit/test_conf_crosscheck \
	tests/unit/test_conf_dump \
	tests/unit/test_conf_load \
	tests/unit/test_conf_load_files \
	tests/unit/test_conf_options \
	tests/unit/test_conf_path \
	tests/unit/test_conf_prescan \
	tests/unit/test_conf_store \
	tests/unit/test_conf_value \
	tests/unit/test_suggest
