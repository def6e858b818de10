# Real clients (Makefile.am includes this).
test_programs += tests/real/list

EXTRA_DIST += \
	tests/real/app.js \
	tests/real/browser.js \
	tests/real/browser.py \
	tests/real/cacher.py \
	tests/real/clients.py \
	tests/real/container.py \
	tests/real/debian.py \
	tests/real/languages.py \
	tests/real/listing-clients.py \
	tests/real/listing.js \
	tests/real/makevideo.js \
	tests/real/mirror \
	tests/real/mirror-listing.py \
	tests/real/mirrors.py \
	tests/real/packages.py \
	tests/real/parts.py \
	tests/real/resume.py \
	tests/real/trees.py \
	tests/real/video.js
