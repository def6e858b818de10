# Sources and unit tests of src/explain (Makefile.am includes this).
libtined_a_SOURCES += \
	src/explain/explain.c src/explain/explain.h \
	src/explain/explain_client.c src/explain/explain_client.h \
	src/explain/explain_file.c src/explain/explain_file.h \
	src/explain/explain_hint.c src/explain/explain_hint.h \
	src/explain/explain_path.c src/explain/explain_path.h \
	src/explain/explain_rules.c src/explain/explain_rules.h \
	src/explain/explain_text.c src/explain/explain_text.h

unit_tests_explain = \
	tests/unit/test_explain \
	tests/unit/test_explain_client \
	tests/unit/test_explain_file \
	tests/unit/test_explain_hint \
	tests/unit/test_explain_path \
	tests/unit/test_explain_rules \
	tests/unit/test_explain_text
unit_tests += $(unit_tests_explain)
threaded_units += $(unit_tests_explain)
