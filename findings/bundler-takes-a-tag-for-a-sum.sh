#!/bin/sh
# bundler 2.3.15 (Debian 12) takes the ETag of a compact index for an MD5 sum, and ends with 17 where it is
# another.
#
# Guess: an entity tag is opaque (RFC 9110, 8.8.3): it is kept and sent back with If-None-Match.
# Seen: the sum of what was received is compared with the tag. Where they differ the file is fetched again at
#   once, then the older interfaces are tried, api/v1/dependencies and specs.4.8.gz, which a static
#   registry does not have: "bad response Not Found 404" of a file that is not missing from the index. A
#   server that makes its tags otherwise has to leave them out for /versions and /info.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian ruby-bundler=2.3.15-2+deb12u1 ruby3.1 libruby3.1 ruby-rubygems rubygems-integration
usr=$WORK/root/usr
RUBYLIB=$usr/lib/ruby/vendor_ruby:$usr/lib/ruby/3.1.0:$LIBRARIES/ruby/3.1.0
export RUBYLIB GEM_PATH="$usr/share/rubygems-integration/all" HOME="$WORK" BUNDLE_RETRY=0 LC_ALL=C.UTF-8
mkdir -p www/info
printf -- '---\n1 |checksum:%064d\n' 0 >www/info/example
printf 'created_at: 2024-01-01T00:00:00Z\n---\nexample 1 %s\n' "$(md5sum <www/info/example | cut -c1-32)" >www/versions

lock() {
    printf 'source "%s/"\ngem "example"\n' "$URL" >Gemfile
    rm -rf .bundle Gemfile.lock
    result=0
    ruby3.1 "$usr/bin/bundle3.1" lock >bundle.out 2>&1 || result=$?
    echo "returned $result"
    requests | cut -d' ' -f2-
    stop
}

{
    echo "with a tag that is a SHA-256 sum"
    serve
    lock
    echo "without"
    serve --no-etag
    lock
} >seen
expect seen <<'END'
with a tag that is a SHA-256 sum
returned 17
GET /versions 200
GET /versions 200
GET /api/v1/dependencies 404
GET /specs.4.8.gz 404
without
returned 0
GET /versions 200
GET /info/example 200
END
