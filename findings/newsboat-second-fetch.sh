#!/bin/sh
# newsboat 2.21 (Debian 12) forgets the validators of a new feed's first answer: its second fetch is
# unconditional too, and only the third can be answered by 304.
#
# Guess: the first answer has ETag and Last-Modified, so the second request has If-None-Match.
# Seen: they are stored by an update of the feed's row, which the first reload adds only afterwards.
#   From the third fetch on each is conditional (and says "A-IM: feed", RFC 3229). Where a cache starts
#   anew for each run, as in a container, no request is ever conditional.
# shellcheck source=findings/common disable=SC2119
. "$(dirname "$0")/common"
debian newsboat=2.21-1.5
cat >www/feed.xml <<'END'
<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><link>http://example.org/</link>
<description>d</description><item><title>a</title><link>http://example.org/a</link><guid>1</guid></item>
</channel></rss>
END
touch -d 2024-01-01 www/feed.xml
serve
echo "$URL/feed.xml" >urls
export HOME="$WORK"
for _ in 1 2 3 4; do
    newsboat -u urls -c cache -C /dev/null -x reload
done
requests if-modified-since a-im | cut -d' ' -f2- >seen
expect seen <<'END'
GET /feed.xml 200 - -
GET /feed.xml 200 - -
GET /feed.xml 304 Mon, 01 Jan 2024 00:00:00 GMT feed
GET /feed.xml 304 Mon, 01 Jan 2024 00:00:00 GMT feed
END
