# Sources and unit tests of src/http (Makefile.am includes this).
libtined_a_SOURCES += \
	src/http/accept.c src/http/accept.h \
	src/http/authority.c src/http/authority.h \
	src/http/body.c src/http/body.h \
	src/http/chars.c src/http/chars.h \
	src/http/cors.c src/http/cors.h \
	src/http/decision.c src/http/decision.h \
	src/http/digest.c src/http/digest.h \
	src/http/encoding.c src/http/encoding.h \
	src/http/etag.c src/http/etag.h \
	src/http/fieldline.c src/http/fieldline.h \
	src/http/forwarded.c src/http/forwarded.h \
	src/http/glob.c src/http/glob.h \
	src/http/hostname.c src/http/hostname.h \
	src/http/html.c src/http/html.h \
	src/http/httpdate.c src/http/httpdate.h \
	src/http/listing.c src/http/listing.h \
	src/http/mime.c src/http/mime.h \
	src/http/mime_core.c src/http/mime_core.h \
	src/http/multipart.c src/http/multipart.h \
	src/http/page.c src/http/page.h \
	src/http/policy.c src/http/policy.h \
	src/http/precond.c src/http/precond.h \
	src/http/preset.c src/http/preset.h \
	src/http/proxyheader.c src/http/proxyheader.h \
	src/http/qvalue.c src/http/qvalue.h \
	src/http/range.c src/http/range.h \
	src/http/reason.c src/http/reason.h \
	src/http/redirectline.c src/http/redirectline.h \
	src/http/request.c src/http/request.h \
	src/http/response.c src/http/response.h \
	src/http/rulecheck.c src/http/rulecheck.h \
	src/http/rules.c src/http/rules.h \
	src/http/statuses.c src/http/statuses.h \
	src/http/statusline.c src/http/statusline.h \
	src/http/target.c src/http/target.h \
	src/http/template.c src/http/template.h \
	src/http/urlpath.c src/http/urlpath.h \
	src/http/utf8.c src/http/utf8.h

unit_tests += \
	tests/unit/test_accept \
	tests/unit/test_authority \
	tests/unit/test_body \
	tests/unit/test_chars \
	tests/unit/test_cors \
	tests/unit/test_decision \
	tests/unit/test_digest \
	tests/unit/test_encoding \
	tests/unit/test_etag \
	tests/unit/test_fieldline \
	tests/unit/test_forwarded \
	tests/unit/test_glob \
	tests/unit/test_hostname \
	tests/unit/test_html \
	tests/unit/test_httpdate \
	tests/unit/test_listing \
	tests/unit/test_mime \
	tests/unit/test_mime_core \
	tests/unit/test_multipart \
	tests/unit/test_page \
	tests/unit/test_policy \
	tests/unit/test_precond \
	tests/unit/test_preset \
	tests/unit/test_proxyheader \
	tests/unit/test_qvalue \
	tests/unit/test_range \
	tests/unit/test_reason \
	tests/unit/test_redirectline \
	tests/unit/test_request \
	tests/unit/test_request_scan \
	tests/unit/test_response \
	tests/unit/test_rulecheck \
	tests/unit/test_rules \
	tests/unit/test_statuses \
	tests/unit/test_statusline \
	tests/unit/test_target \
	tests/unit/test_template \
	tests/unit/test_urlpath \
	tests/unit/test_utf8
