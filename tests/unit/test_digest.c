#include "support/guarded.h"
#include "support/unit.h"

#include "http/digest.h"

// Of the empty content.
#define HEX   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UPPER "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
static const uint8_t digest[DIGEST_LEN] = {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
};

TEST(test_parse)
{
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {HEX, true},
        {UPPER, true},
        {HEX "\n", true},
        {HEX "\r\n", true},
        {HEX "  a b\n", true},
        {HEX " *a\n", true},
        {HEX "\ta", true},
        {"", false},
        {HEX "0", false},
        {HEX "x", false},
        {" " HEX, false},
        {"sha256:" HEX, false},
        {"g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85 ", false},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t got[DIGEST_LEN] = {0}, none[DIGEST_LEN] = {0};
        if (digest_parse(guarded_text(cases[i].text), got) != cases[i].ok)
            fail_msg("%s", cases[i].text);
        assert_memory_equal(got, cases[i].ok ? digest : none, DIGEST_LEN);
    }
    uint8_t got[DIGEST_LEN];
    assert_false(digest_parse(slice_make(HEX "\0", 65), got));
}

TEST(test_format)
{
    char text[128];
    struct buf b = buf_make(text, sizeof(text));
    digest_etag(&b, digest);
    assert_slice(buf_slice(&b), "\"" HEX "\"");
    b.len = 0;
    digest_field(&b, digest);
    assert_slice(buf_slice(&b), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
}

// RFC 9530 section 4
TEST(test_is_wanted)
{
    static const struct {
        const char *fields;
        bool want;
    } cases[] = {
        {"", false},
        {"Want-Repr-Digest: sha-256=1\r\n", true},
        {"Want-Repr-Digest: sha-256=10\r\n", true},
        {"Want-Repr-Digest: sha-512=3, sha-256=10, unixsum=0\r\n", true},
        {"Want-Repr-Digest: sha-512=3\r\nWant-Repr-Digest: sha-256=1\r\n", true},
        {"Want-Repr-Digest: sha-256=0\r\n", false},
        {"Want-Repr-Digest: sha-256=11\r\n", false},
        {"Want-Repr-Digest: sha-256=-1\r\n", false},
        {"Want-Repr-Digest: sha-256=1.0\r\n", false},
        {"Want-Repr-Digest: sha-256\r\n", false},
        {"Want-Repr-Digest: sha-512=10\r\n", false},
        {"Want-Repr-Digest: SHA-256=10\r\n", false},
        {"Want-Repr-Digest: sha-256=10,\r\n", false},
        {"Want-Repr-Digest: \r\nWant-Repr-Digest: sha-256=1\r\n", true},
        {"Want-Repr-Digest: md5=0 \t, \tsha-256=1\r\n", true},
        {"Want-Repr-Digest: sha-256=0, sha-256=1\r\n", true}, // the last one counts
        {"Want-Repr-Digest: sha-256=1, sha-256=0\r\n", false},
        {"Want-Repr-Digest: sha-256=1\r\nWant-Repr-Digest: sha-256=0\r\n", false},
        // One member that is none makes the whole field none.
        {"Want-Repr-Digest: ,sha-256=1\r\n", false},
        {"Want-Repr-Digest: sha-256=1,,md5=1\r\n", false},
        {"Want-Repr-Digest: sha-256=1 md5=1\r\n", false},
        {"Want-Repr-Digest: sha-256= 1\r\n", false},
        {"Want-Repr-Digest: sha-256 =1\r\n", false},
        {"Want-Repr-Digest: sha-256=\r\n", false},
        {"Want-Repr-Digest: =1\r\n", false},
        {"Want-Repr-Digest: sha-256=1, md5\r\n", false},
        {"Want-Repr-Digest: sha-256=1, md5=\"x, y=1\"\r\n", false},
        {"Want-Repr-Digest: sha-256=1\r\nWant-Repr-Digest: md5=?1\r\n", false},
        {"Want-Content-Digest: sha-256=10\r\n", false},
    };
    static struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char head[256];
        struct buf b = buf_make(head, sizeof(head));
        buf_printf(&b, "GET / HTTP/1.0\r\n%s\r\n", cases[i].fields);
        assert_int_equal(request_parse(guarded(buf_slice(&b)), &request), 0);
        if (digest_is_wanted(&request) != cases[i].want)
            fail_msg("%s", cases[i].fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_is_wanted),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
