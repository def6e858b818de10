# Hostile clients and many visitors (Makefile.am includes this).
test_programs += \
	tests/soak/hostile \
	tests/soak/visitors

tests_soak_hostile_SOURCES = \
	tests/soak/answer.c tests/soak/answer.h \
	tests/soak/attack.c tests/soak/attack.h \
	tests/soak/common.c tests/soak/common.h \
	tests/soak/hostile.c \
	tests/soak/target.c tests/soak/target.h \
	tests/soak/verdict.c tests/soak/verdict.h

tests_soak_visitors_SOURCES = \
	tests/soak/answer.c tests/soak/answer.h \
	tests/soak/common.c tests/soak/common.h \
	tests/soak/target.c tests/soak/target.h \
	tests/soak/visitor.c tests/soak/visitor.h \
	tests/soak/visitors.c

# To be preloaded: a daemon that cannot hand over, to see here how the others fare.
preloaded += tests/soak/no-handoff.so
tests/soak/no-handoff.so: tests/soak/no-handoff.c

EXTRA_DIST += \
	tests/soak/no-handoff.c \
	tests/soak/soak
