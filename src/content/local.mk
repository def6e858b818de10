# Sources and unit tests of src/content (Makefile.am includes this).
libtined_a_SOURCES += \
	src/content/body_source.h \
	src/content/cached_file.c src/content/cached_file.h \
	src/content/dirlist.c src/content/dirlist.h \
	src/content/filecache.c src/content/filecache.h \
	src/content/filedigest.c src/content/filedigest.h \
	src/content/listing_body.c src/content/listing_body.h \
	src/content/mimetable.c src/content/mimetable.h \
	src/content/questions.c src/content/questions.h \
	src/content/ranges_body.c src/content/ranges_body.h \
	src/content/readme.c src/content/readme.h \
	src/content/redirectmap.c src/content/redirectmap.h \
	src/content/resource.c src/content/resource.h \
	src/content/route.c src/content/route.h \
	src/content/route_lookup.c src/content/route_lookup.h \
	src/content/route_settings.c src/content/route_settings.h \
	src/content/route_types.h \
	src/content/ruleset.c src/content/ruleset.h \
	src/content/sieve.c src/content/sieve.h \
	src/content/sites.c src/content/sites.h \
	src/content/snapshot.c src/content/snapshot.h \
	src/content/snapshots.c src/content/snapshots.h \
	src/content/supply.c src/content/supply.h

unit_tests_content = \
	tests/unit/test_cached_file \
	tests/unit/test_dirlist \
	tests/unit/test_filecache \
	tests/unit/test_filecache_shares \
	tests/unit/test_filedigest \
	tests/unit/test_listing_body \
	tests/unit/test_mimetable \
	tests/unit/test_questions \
	tests/unit/test_ranges_body \
	tests/unit/test_readme \
	tests/unit/test_redirectmap \
	tests/unit/test_resource \
	tests/unit/test_route \
	tests/unit/test_route_lookup \
	tests/unit/test_route_settings \
	tests/unit/test_ruleset \
	tests/unit/test_sieve \
	tests/unit/test_sites \
	tests/unit/test_snapshot \
	tests/unit/test_snapshots \
	tests/unit/test_supply
unit_tests += $(unit_tests_content)
threaded_units += $(unit_tests_content)

tests_unit_test_cached_file_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pagecache_read
tests_unit_test_dirlist_LDFLAGS = $(AM_LDFLAGS) $(wrap_memory) -Wl,--wrap=pages_map,--wrap=pages_unmap
tests_unit_test_filecache_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pagecache_read
tests_unit_test_filecache_shares_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pagecache_read
tests_unit_test_listing_body_LDFLAGS = $(AM_LDFLAGS) $(wrap_memory)
tests_unit_test_readme_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pagecache_read
