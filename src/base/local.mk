# Sources and unit tests of src/base (Makefile.am includes this).
libtined_a_SOURCES += \
	src/base/address.c src/base/address.h \
	src/base/budget.c src/base/budget.h \
	src/base/buf.c src/base/buf.h \
	src/base/crc32c.c src/base/crc32c.h \
	src/base/endpoint.c src/base/endpoint.h \
	src/base/event.h \
	src/base/ipaddr.c src/base/ipaddr.h \
	src/base/json.c src/base/json.h \
	src/base/list.h \
	src/base/log.c src/base/log.h \
	src/base/modes.h \
	src/base/network.c src/base/network.h \
	src/base/num.c src/base/num.h \
	src/base/octets.h \
	src/base/siphash.c src/base/siphash.h \
	src/base/slice.c src/base/slice.h \
	src/base/timers.c src/base/timers.h \
	src/base/tlv.c src/base/tlv.h \
	src/base/util.h

unit_tests += \
	tests/unit/test_address \
	tests/unit/test_budget \
	tests/unit/test_buf \
	tests/unit/test_crc32c \
	tests/unit/test_endpoint \
	tests/unit/test_ipaddr \
	tests/unit/test_json \
	tests/unit/test_list \
	tests/unit/test_log \
	tests/unit/test_modes \
	tests/unit/test_network \
	tests/unit/test_num \
	tests/unit/test_octets \
	tests/unit/test_siphash \
	tests/unit/test_slice \
	tests/unit/test_timers \
	tests/unit/test_tlv
